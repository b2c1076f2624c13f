package work

import (
	"context"
	"sync"
	"time"

	"parley/shared/quota"
)

// Rates keeps what workers can do, for whoever foretells waiting times.
type Rates interface {
	Report(ctx context.Context, p quota.Plan, worker string, perSecond float64, now time.Time) error
}

// reportEvery is how often a worker says how fast it is; a report counts for four
// times as long.
const reportEvery = 15 * time.Second

// weight is that of one more reply in the moving mean of their times.
const weight = 0.1

// pace measures how long replies take and reports how many a second all slots
// together can write.
type pace struct {
	w *Worker

	mu   sync.Mutex
	mean time.Duration // 0: no reply has ended yet
}

// note takes in how long one reply took.
func (p *pace) note(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mean == 0 {
		p.mean = took
		return
	}
	p.mean += time.Duration(weight * float64(took-p.mean))
}

// rate returns replies a second, 0 before the first.
func (p *pace) rate() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mean <= 0 {
		return 0
	}
	return float64(p.w.Slots) / p.mean.Seconds()
}

func (p *pace) run(ctx context.Context) { every(ctx, reportEvery, p.report) }

func (p *pace) report(ctx context.Context) {
	perSecond := p.rate()
	if perSecond == 0 {
		return
	}
	for plan := range p.w.Queues {
		if err := p.w.Rates.Report(ctx, plan, p.w.Name, perSecond, p.w.Now()); err != nil {
			p.w.Log.Warn("the pace was not reported", "plan", string(plan), "error", err.Error())
		}
	}
}
