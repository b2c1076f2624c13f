package work_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/fleet/fleettest"
	"parley/fleet/work"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/queue"
	"parley/shared/quota"
	"parley/shared/usage"
)

// bucket keeps usage files in memory.
type bucket struct {
	mu    sync.Mutex
	down  bool
	puts  int
	files map[string][]byte
}

func (b *bucket) Put(_ context.Context, name string, file []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.puts++
	if b.down {
		return errors.New("the bucket is away")
	}
	if b.files == nil {
		b.files = map[string][]byte{}
	}
	b.files[name] = file
	return nil
}

func (b *bucket) set(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
}

func (b *bucket) tries() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.puts
}

// records returns everything that was written, in any order.
func (b *bucket) records(t *testing.T) []usage.Record {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []usage.Record
	for name, file := range b.files {
		records, err := usage.Decode(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		all = append(all, records...)
	}
	return all
}

// watched is a queue that notes whether a prompt came twice.
type watched struct {
	*fleettest.Queue
	twice atomic.Bool
}

func (q *watched) Receive(ctx context.Context, most int, wait time.Duration) ([]queue.Delivery, error) {
	got, err := q.Queue.Receive(ctx, most, wait)
	if slices.ContainsFunc(got, func(d queue.Delivery) bool { return d.ReceiveCount > 1 }) {
		q.twice.Store(true)
	}
	return got, err
}

// start runs a worker with that queue; the function that it returns ends it.
func (w *world) start(t *testing.T, q work.Queue, b *bucket, slots int) (stop func()) {
	t.Helper()
	parts := work.Parts{Settings: work.Defaults(), Replies: w, History: w, Rates: w, Usage: b, Name: "w1", Engine: w, Frames: w, Leases: w, Stops: w,
		Queues: map[quota.Plan][]work.Queue{quota.Free: {q}}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	parts.Slots, parts.Context, parts.Grace = slots, 4096, time.Second
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- work.New(parts).Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func send(t *testing.T, q *fleettest.Queue, n int, deadline time.Duration) {
	t.Helper()
	for range n {
		question := id.New(time.Now())
		if err := q.Send(t.Context(), chat.Prompt{Version: 1, User: id.New(time.Now()), Chat: id.New(time.Now()), Question: question, Reply: id.Next(question),
			Plan: quota.Free, Hour: quota.Hour(time.Now()), Deadline: time.Now().Add(deadline)}); err != nil {
			t.Fatal(err)
		}
	}
}

// While the bucket is away an ended reply's prompt is neither deleted nor shown to
// anybody; when it is back the record is written once and the prompt goes.
func TestNoPromptGoesBeforeItsUsageIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, q, b := &world{healthy: true}, &watched{Queue: &fleettest.Queue{}}, &bucket{down: true}
		w.reply.Status = chat.Queued
		send(t, q.Queue, 1, -time.Second) // fails by its deadline
		stop := w.start(t, q, b, 2)
		defer stop()
		for range 60 {
			time.Sleep(time.Second)
			if q.Len() != 1 {
				t.Fatalf("%d prompts after %d tries to write", q.Len(), b.tries())
			}
		}
		if b.tries() < 5 || q.twice.Load() {
			t.Errorf("%d tries to write; redelivered: %v", b.tries(), q.twice.Load())
		}
		b.set(false)
		time.Sleep(10 * time.Second)
		got := b.records(t)
		if q.Len() > 0 || len(got) != 1 || got[0].Status != chat.Failed || got[0].Failure != "deadline_exceeded" || got[0].Attempts != 1 || got[0].Found {
			t.Errorf("%d prompts left, records %+v", q.Len(), got)
		}
	})
}

// A worker dies between the commit and the record. The prompt comes to another one,
// which writes the record from the reply's row.
func TestADeadWorkersUsageIsWrittenByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, q, b := &world{healthy: true}, &fleettest.Queue{}, &bucket{down: true}
		w.reply.Status = chat.Queued
		send(t, q, 1, -time.Second)
		stop := w.start(t, q, b, 2)
		time.Sleep(2 * time.Second)
		stop() // writes nothing: its bucket is away
		if w.result == nil || q.Len() != 1 || len(b.records(t)) > 0 {
			t.Fatalf("result %+v, %d prompts", w.result, q.Len())
		}
		b.set(false)
		stop = w.start(t, q, b, 2)
		time.Sleep(30 * time.Second)
		stop()
		if got := b.records(t); q.Len() > 0 || len(got) != 1 || !got[0].Found || got[0].Status != chat.Failed || got[0].Attempts != 1 {
			t.Errorf("%d prompts, records %+v", q.Len(), got)
		}
	})
}

// A reply that was cancelled before a worker had it leaves a record of nothing used.
func TestAReplyCancelledInItsQueueLeavesARecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, q, b := &world{healthy: true, reply: chat.Message{Status: chat.Cancelled}}, &fleettest.Queue{}, &bucket{}
		send(t, q, 1, time.Hour)
		stop := w.start(t, q, b, 2)
		time.Sleep(10 * time.Second)
		stop()
		if got := b.records(t); q.Len() > 0 || len(got) != 1 || got[0].Status != chat.Cancelled || got[0].CompletionTokens != 0 || got[0].Attempts != 0 {
			t.Errorf("%d prompts, records %+v", q.Len(), got)
		}
	})
}

// What ends within the gathering time is one file, and ten prompts go by one call.
func TestUsageIsWrittenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, q, b := &world{healthy: true, reply: chat.Message{Status: chat.Done}}, &fleettest.Queue{}, &bucket{}
		send(t, q, 25, time.Hour)
		stop := w.start(t, q, b, 32)
		time.Sleep(5 * time.Second)
		if q.Len() != 25 {
			t.Errorf("%d prompts before the file is written", q.Len())
		}
		time.Sleep(5 * time.Second)
		if got := b.records(t); q.Len() > 0 || len(got) != 25 || b.tries() != 1 {
			t.Errorf("%d prompts, %d records in %d files", q.Len(), len(got), b.tries())
		}
		stop()
	})
}

// What a worker doesn't hold while the bucket is away comes back, and has a record
// in the end.
func TestTooManyEndedPromptsComeBackLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 1020
		w, q, b := &world{healthy: true, reply: chat.Message{Status: chat.Done}}, &fleettest.Queue{}, &bucket{down: true}
		send(t, q, many, time.Hour)
		stop := w.start(t, q, b, 100)
		defer stop()
		time.Sleep(20 * time.Second)
		if q.Len() != many {
			t.Fatalf("%d prompts while nothing could be written", q.Len())
		}
		b.set(false)
		time.Sleep(80 * time.Second)
		replies := map[string]bool{}
		for _, r := range b.records(t) {
			replies[r.Reply] = true
		}
		if q.Len() > 0 || len(replies) != many {
			t.Errorf("%d prompts left, records of %d replies", q.Len(), len(replies))
		}
	})
}
