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
// lately; zero if none has.
type Paces interface {
	Pace(ctx context.Context, p quota.Plan, now time.Time) (chat.Pace, error)
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
	began   time.Time // when the last look did
	ended   time.Time // when one last did, successfully or not
	outlook chat.Outlook
	done    chan struct{} // closed when the last look has ended
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

// Glance returns how a prompt of that plan stands if it is queued now, as it was
// seen within the last minute, and false if it wasn't.
func (l *Lookout) Glance(p quota.Plan) (chat.Outlook, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, fresh := l.due(p)
	return s.outlook, fresh
}

// Outlook returns how a prompt of that plan stands if it is queued now. What can't
// be measured at the moment counts as nothing: a message must not fail over it.
func (l *Lookout) Outlook(ctx context.Context, p quota.Plan) chat.Outlook {
	l.mu.Lock()
	s, fresh := l.due(p)
	done := s.done
	l.mu.Unlock()
	if !fresh {
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return s.outlook
}

// due has somebody look if nobody has for ten seconds; it reports whether what was
// seen before still tells anything. The caller holds the lock.
func (l *Lookout) due(p quota.Plan) (s *sight, fresh bool) {
	s = l.seen[p]
	if s == nil {
		s = &sight{}
		l.seen[p] = s
	}
	now := l.now()
	fresh = now.Sub(s.ended) < sightUse
	if now.Sub(s.began) >= sightLife {
		s.began, s.done = now, make(chan struct{})
		go l.look(p, s)
	}
	return s, fresh
}

// look measures, queues and pace side by side.
func (l *Lookout) look(p quota.Plan, s *sight) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	pace := make(chan chat.Pace, 1)
	go func() {
		now, err := l.paces.Pace(ctx, p, l.now())
		if err != nil {
			now = chat.Pace{}
		}
		pace <- now
	}()
	waiting, _, err := l.plans[p].Depth(ctx)
	seen := <-pace
	l.mu.Lock()
	defer l.mu.Unlock()
	s.ended = l.now()
	close(s.done)
	s.outlook = chat.Outlook{}
	if err == nil {
		s.outlook = chat.Outlook{Ahead: waiting, ETA: math.Ceil(seen.Seconds(waiting))}
	}
}
