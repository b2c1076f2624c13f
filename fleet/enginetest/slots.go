package enginetest

import (
	"context"
	"slices"
)

// slots lets so many answers run and has the others wait: by priority, then in
// the order of their coming. Its engine's mutex guards it.
type slots struct {
	running int
	waiting []*waiter
}

type waiter struct {
	priority int
	turn     chan struct{}
}

// enter waits for a slot; false when the client has gone.
func (e *Engine) enter(ctx context.Context, priority int) bool {
	e.mu.Lock()
	s := &e.slots
	if e.Slots == 0 || s.running < e.Slots {
		s.running++
		e.mu.Unlock()
		return true
	}
	w := &waiter{priority, make(chan struct{})}
	at, _ := slices.BinarySearchFunc(s.waiting, priority, func(w *waiter, p int) int {
		if w.priority <= p {
			return -1
		}
		return 1
	})
	s.waiting = slices.Insert(s.waiting, at, w)
	e.mu.Unlock()
	select {
	case <-w.turn:
		return true
	case <-ctx.Done():
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := slices.Index(s.waiting, w); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	} else {
		e.pass() // the turn came at the same time
	}
	return false
}

// leave gives a slot up.
func (e *Engine) leave() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pass()
}

// pass hands a slot to who waits for one; the caller holds the lock.
func (e *Engine) pass() {
	s := &e.slots
	if len(s.waiting) == 0 {
		s.running--
		return
	}
	close(s.waiting[0].turn)
	s.waiting = s.waiting[1:]
}
