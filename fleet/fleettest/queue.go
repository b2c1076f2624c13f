// Package fleettest gives tests of the fleet what stands around it: a queue in
// memory, and a worker and a relay over real tables, Valkey and an engine.
package fleettest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"parley/shared/chat"
	"parley/shared/queue"
)

// Queue is a queue in memory with visibility as SQS has it. The zero value hides
// what it delivers for 15 s.
type Queue struct {
	mu       sync.Mutex
	messages []*message
	receipts int
	Deletes  int // calls
	Extends  int // calls
	Receives int // calls
	Down     bool
}

type message struct {
	prompt   chat.Prompt
	visible  time.Time
	receipt  string
	received int
}

const visibility = 15 * time.Second

var errDown = errors.New("the queue is down")

// Send adds a prompt.
func (q *Queue) Send(_ context.Context, p chat.Prompt) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.messages = append(q.messages, &message{prompt: p})
	return nil
}

// longest shortens long polls, which would hold up a worker's end.
const longest = 200 * time.Millisecond

// Receive delivers what is visible, waiting for it up to wait.
func (q *Queue) Receive(ctx context.Context, most int, wait time.Duration) ([]queue.Delivery, error) {
	q.mu.Lock()
	q.Receives++
	q.mu.Unlock()
	for end := time.Now().Add(min(wait, longest)); ; {
		got, err := q.take(most)
		if err != nil || len(got) > 0 || !time.Now().Before(end) {
			return got, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (q *Queue) take(most int) ([]queue.Delivery, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.Down {
		return nil, errDown
	}
	var got []queue.Delivery
	for _, m := range q.messages {
		if len(got) == most || time.Now().Before(m.visible) {
			continue
		}
		q.receipts++
		m.received++
		m.receipt, m.visible = strconv.Itoa(q.receipts), time.Now().Add(visibility)
		got = append(got, queue.Delivery{Prompt: m.prompt, Receipt: m.receipt, ReceiveCount: m.received})
	}
	return got, nil
}

// Delete removes prompts; an older receipt of one counts no more.
func (q *Queue) Delete(_ context.Context, receipts ...string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.Deletes++
	for _, r := range receipts {
		for i, m := range q.messages {
			if m.receipt == r {
				q.messages = append(q.messages[:i], q.messages[i+1:]...)
				break
			}
		}
	}
	return nil
}

// Extend hides prompts for d from now.
func (q *Queue) Extend(_ context.Context, d time.Duration, receipts ...string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.Extends++
	for _, r := range receipts {
		for _, m := range q.messages {
			if m.receipt == r {
				m.visible = time.Now().Add(d)
			}
		}
	}
	return nil
}

// Len returns how many prompts are there, hidden ones included.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.messages)
}

// Show makes every prompt visible at once, as a queue does that delivers twice.
func (q *Queue) Show() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.messages {
		m.visible = time.Time{}
	}
}
