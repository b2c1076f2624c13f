//go:build service

package work_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/fleet/valkey"
	"parley/fleet/work"
	"parley/shared/chat"
	"parley/shared/queue"
	"parley/shared/quota"
)

// once is a queue that brings its worker one prompt only.
type once struct {
	*fleettest.Queue
	got atomic.Bool
}

func (q *once) Receive(ctx context.Context, most int, wait time.Duration) ([]queue.Delivery, error) {
	if q.got.Load() {
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
		return nil, nil
	}
	list, err := q.Queue.Receive(ctx, most, wait)
	q.got.Store(len(list) > 0)
	return list, err
}

// Without Valkey nobody knows that a worker is at a prompt that SQS delivers to a
// second one. Both write; only the newer attempt's answer is taken.
func TestWithoutLeasesTheNewerAttemptCounts(t *testing.T) {
	t.Setenv("VALKEY_ADDR", "127.0.0.1:1")
	s := fleettest.New(t)
	fast, slow := enginetest.New(t), enginetest.New(t)
	fast.Words, fast.Pace = 40, 20*time.Millisecond
	slow.Words, slow.Pace = 60, 20*time.Millisecond
	first := s.Parts(fast.URL)
	first.Queues = map[quota.Plan][]work.Queue{quota.Free: {&once{Queue: s.Queues[quota.Free]}}}
	s.Work(first)
	ref := s.Ask("", "Why?")
	until(t, "the first worker writes", func() bool { return fast.Busy() == 1 })
	s.Work(s.Parts(slow.URL))
	s.Queues[quota.Free].Show()
	until(t, "the reply ends", func() bool { return row(t, s, ref).Status.Ended() })
	m := row(t, s, ref)
	if m.Status != chat.Done || m.Attempt != 2 || m.Text != enginetest.Answer("Why?", 60) {
		t.Errorf("%s, attempt %d: %q", m.Status, m.Attempt, m.Text)
	}
	until(t, "the prompt is gone", func() bool { return s.Queues[quota.Free].Len() == 0 })
	if n := len(fast.Requests()) + len(slow.Requests()); n != 2 {
		t.Errorf("%d answers were written", n)
	}
}

// With Valkey the second worker leaves it alone; and the first deletes the prompt
// though its receipt is no longer the newest.
func TestASecondDeliveryStartsNoSecondAnswer(t *testing.T) {
	s := fleettest.New(t)
	e := enginetest.New(t)
	e.Words, e.Pace = 60, 20*time.Millisecond
	first := s.Parts(e.URL)
	first.Queues = map[quota.Plan][]work.Queue{quota.Free: {&once{Queue: s.Queues[quota.Free]}}}
	first.Leases = valkey.NewLeases(s.Valkey, "first", 2*time.Second)
	first.Heartbeat = 500 * time.Millisecond
	s.Work(first)
	ref := s.Ask("", "Why?")
	until(t, "the first worker writes", func() bool { return e.Busy() == 1 })
	s.Work(s.Parts(e.URL))
	s.Queues[quota.Free].Show()
	until(t, "the reply ends", func() bool { return row(t, s, ref).Status.Ended() })
	if m := row(t, s, ref); m.Status != chat.Done || m.Attempt != 1 || len(e.Requests()) != 1 {
		t.Errorf("%s, attempt %d, %d answers", m.Status, m.Attempt, len(e.Requests()))
	}
	until(t, "the prompt is gone", func() bool { return s.Queues[quota.Free].Len() == 0 })
}
