package queue

import (
	"context"
	"math"
	"sync"
	"time"

	"parley/shared/chat"
	"parley/shared/quota"
)

// Paces tells what the fleet can do for a plan, as its workers have measured it
// lately, and how many workers that are; zero if none has.
type Paces interface {
	Pace(ctx context.Context, p quota.Plan, now time.Time) (chat.Pace, int, error)
}

// Lookout foretells waiting times from queue lengths and the fleet's measured
// pace. It looks at most every ten seconds, beside whatever asks it, so that hardly
// any message pays for it and none waits; only who asks first, or after a minute of
// silence, waits for what it sees. In a function that is frozen between two requests
// a look may go on with the next one.
type Lookout struct {
	plans Plans
	paces Paces
	now   func() time.Time

	mu   sync.Mutex
	seen map[quota.Plan]*sight
}

type sight struct {
	at      time.Time // when the last look began
	known   bool      // a look has ended
	outlook chat.Outlook
	done    chan struct{} // closed when that look has ended
}

const (
	sightLife = 10 * time.Second
	sightUse  = time.Minute // after which what was seen tells nothing any more
	patience  = time.Second // for one look
)

// NewLookout returns a Lookout over the plans' queues.
func NewLookout(plans Plans, paces Paces, now func() time.Time) *Lookout {
	return &Lookout{plans: plans, paces: paces, now: now, seen: map[quota.Plan]*sight{}}
}

// Outlook returns how a prompt of that plan stands if it is queued now. What can't
// be measured at the moment is left at its last value: a message must not fail
// over it.
func (l *Lookout) Outlook(ctx context.Context, p quota.Plan) chat.Outlook {
	l.mu.Lock()
	now, last := l.now(), l.seen[p]
	if last == nil {
		last = &sight{}
		l.seen[p] = last
	}
	wait := !last.known || now.Sub(last.at) >= sightUse
	if now.Sub(last.at) >= sightLife {
		last.at, last.done = now, make(chan struct{})
		go l.look(context.WithoutCancel(ctx), p, last)
	}
	done := last.done
	l.mu.Unlock()
	if wait {
		<-done
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return last.outlook
}

// look measures, both calls side by side.
func (l *Lookout) look(ctx context.Context, p quota.Plan, s *sight) {
	defer close(s.done)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	pace := make(chan chat.Pace, 1)
	go func() {
		now, _, err := l.paces.Pace(ctx, p, l.now())
		if err != nil {
			now = chat.Pace{}
		}
		pace <- now
	}()
	waiting, err := l.plans[p].Waiting(ctx)
	seen := <-pace
	l.mu.Lock()
	defer l.mu.Unlock()
	s.known = true
	if err == nil {
		s.outlook = chat.Outlook{Ahead: waiting, ETA: math.Ceil(seen.Seconds(waiting))}
	}
}
