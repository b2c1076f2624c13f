// Package fleettest gives tests of the fleet what stands around it: a queue in
// memory, and a worker and a relay over real tables, Valkey and an engine.
package fleettest

import (
	"context"
	"errors"
	"slices"
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
	sent     int
	Deletes  int // calls
	Extends  int // calls
	Receives int // calls
	down     bool
}

type message struct {
	id       string
	body     string // of one that isn't a prompt
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
	q.add(&message{prompt: p})
	return nil
}

// SendBody adds a message of any content.
func (q *Queue) SendBody(body string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.add(&message{body: body})
}

func (q *Queue) add(m *message) {
	q.sent++
	m.id = strconv.Itoa(q.sent)
	q.messages = append(q.messages, m)
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
	if q.down {
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
		got = append(got, m.delivery())
	}
	return got, nil
}

func (m *message) delivery() queue.Delivery {
	d := queue.Delivery{ID: m.id, Prompt: m.prompt, Receipt: m.receipt, ReceiveCount: m.received, Body: m.body}
	if m.body != "" {
		d.Prompt, d.Err = queue.Decode(m.body)
	}
	return d
}

// Delete removes prompts; an older receipt of one counts no more.
func (q *Queue) Delete(_ context.Context, receipts ...string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.Deletes++
	if q.down {
		return errDown
	}
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

// Extend hides prompts for d from now, and refuses receipts that name nothing.
func (q *Queue) Extend(_ context.Context, d time.Duration, receipts ...string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.Extends++
	if q.down {
		return errDown
	}
	var gone queue.GoneError
	for _, r := range receipts {
		i := slices.IndexFunc(q.messages, func(m *message) bool { return m.receipt == r })
		if i < 0 {
			gone.Receipts = append(gone.Receipts, r)
			continue
		}
		q.messages[i].visible = time.Now().Add(d)
	}
	if len(gone.Receipts) > 0 {
		return &gone
	}
	return nil
}

// Fail makes every call fail from now on, or no more.
func (q *Queue) Fail(down bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.down = down
}

// Len returns how many prompts are there, hidden ones included.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.messages)
}

// Most returns how often the prompt was received that was received most often.
func (q *Queue) Most() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	most := 0
	for _, m := range q.messages {
		most = max(most, m.received)
	}
	return most
}

// Show makes every prompt visible at once, as a queue does that delivers twice.
func (q *Queue) Show() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.messages {
		m.visible = time.Time{}
	}
}
