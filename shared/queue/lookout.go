package queue

import (
	"context"
	"math"
	"sync"
	"time"

	"parley/shared/chat"
	"parley/shared/quota"
)

// Rates tells how many replies a second the fleet can write for a plan, judged by
// its last ones; 0 if it has written none lately.
type Rates interface {
	Rate(ctx context.Context, p quota.Plan, now time.Time) (perSecond float64, err error)
}

// Lookout foretells waiting times from queue lengths and the fleet's measured
// rate. It asks at most every ten seconds, so that hardly any message pays for it.
type Lookout struct {
	plans Plans
	rates Rates
	now   func() time.Time

	mu   sync.Mutex
	seen map[quota.Plan]sight
}

type sight struct {
	at      time.Time
	outlook chat.Outlook
}

const (
	sightLife = 10 * time.Second
	patience  = time.Second // for one look: accepted messages wait for it
)

// NewLookout returns a Lookout over the plans' queues.
func NewLookout(plans Plans, rates Rates, now func() time.Time) *Lookout {
	return &Lookout{plans: plans, rates: rates, now: now, seen: map[quota.Plan]sight{}}
}

// Outlook returns how a prompt of that plan stands if it is queued now. What can't
// be measured at the moment is left at its last value: a message must not fail
// over it.
func (l *Lookout) Outlook(ctx context.Context, p quota.Plan) chat.Outlook {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, last := l.now(), l.seen[p]
	if now.Sub(last.at) < sightLife {
		return last.outlook
	}
	last.at = now
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if ahead, err := l.plans[p].Waiting(ctx); err == nil {
		last.outlook = chat.Outlook{Ahead: ahead}
		if rate, err := l.rates.Rate(ctx, p, now); err == nil && rate > 0 {
			last.outlook.ETA = math.Ceil(float64(ahead) / rate)
		}
	}
	l.seen[p] = last
	return last.outlook
}
