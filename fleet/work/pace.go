package work

import (
	"context"
	"math"
	"sync"
	"time"

	"parley/shared/chat"
	"parley/shared/quota"
)

// Rates keeps what workers can do, for whoever foretells waiting times.
type Rates interface {
	Report(ctx context.Context, p quota.Plan, worker string, pace chat.Pace, now time.Time) error
}

// reportEvery is how often a worker says how fast it is; a report counts for
// chat.PaceLife.
const reportEvery = 30 * time.Second

const (
	weight   = 0.1         // of one more reply in the moving means
	halfLife = time.Minute // after which service counts half, a user's and a plan's
	trifle   = 1           // tokens; who has had fewer counts as new
)

// pace measures what replies take of the engine, in tokens and in time, and what
// each user and each plan has had of it lately. It reports how many tokens a second
// all slots together have for a plan.
type pace struct {
	w *Worker

	mu    sync.Mutex
	means map[quota.Plan]mean
	all   mean
	spent map[quota.Plan]fading // slot-seconds
	users map[string]fading     // tokens
}

// mean is what one reply takes.
type mean struct {
	tokens float64 // read, without those that the engine had kept, and written
	took   time.Duration
}

func (m *mean) take(tokens float64, took time.Duration) {
	if m.took == 0 {
		*m = mean{tokens, took}
		return
	}
	m.tokens += weight * (tokens - m.tokens)
	m.took += time.Duration(weight * float64(took-m.took))
}

// fading is a sum of which half is forgotten in each halfLife.
type fading struct {
	sum float64
	at  time.Time
}

func (f fading) now(now time.Time) float64 {
	return f.sum * math.Exp2(-float64(now.Sub(f.at))/float64(halfLife))
}

func newPace(w *Worker) *pace {
	return &pace{w: w, means: map[quota.Plan]mean{}, spent: map[quota.Plan]fading{}, users: map[string]fading{}}
}

// note takes in what a reply of that user took of the engine; one that was cut
// short tells nothing of the next, but counts as service.
func (p *pace) note(user string, plan quota.Plan, u chat.Usage, took time.Duration, whole bool) {
	tokens := float64(max(u.PromptTokens-u.CachedTokens, 0) + u.CompletionTokens)
	now := p.w.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users[user] = fading{p.users[user].now(now) + tokens, now}
	p.spent[plan] = fading{p.spent[plan].now(now) + took.Seconds(), now}
	if !whole || took <= 0 {
		return
	}
	one := p.means[plan]
	one.take(tokens, took)
	p.means[plan] = one
	p.all.take(tokens, took)
}

// attained returns the tokens that a user has had lately.
func (p *pace) attained(user string) float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.users[user].now(p.w.Now())
}

// each returns the tokens that one more reply may take.
func (p *pace) each() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.all.tokens, 1)
}

// starts returns how many replies a second begin while all slots are busy, 0
// before the first has ended.
func (p *pace) starts() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all.took <= 0 {
		return 0
	}
	return float64(p.w.limit.answers()) / p.all.took.Seconds()
}

// of returns what all slots together can do for a plan, false before any reply has
// ended. Free has what premium has left of late, and its share at least.
func (p *pace) of(plan quota.Plan) (chat.Pace, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m, ok := p.means[plan]
	if !ok {
		m = p.all
	}
	if m.took <= 0 {
		return chat.Pace{}, false
	}
	all := float64(p.w.limit.answers())
	slots := all
	if plan == quota.Free {
		now := p.w.Now()
		premium, free := p.spent[quota.Premium].now(now), p.spent[quota.Free].now(now)
		if premium > 0 {
			slots *= max(free/(premium+free), 1.0/freeEvery)
		}
	}
	return chat.Pace{Tokens: slots * m.tokens / m.took.Seconds(), Each: m.tokens, Slots: all}, true
}

func (p *pace) run(ctx context.Context) { every(ctx, reportEvery, p.report) }

func (p *pace) report(ctx context.Context) {
	p.forget()
	for plan := range p.w.Queues {
		now, ok := p.of(plan)
		if !ok || now.Tokens <= 0 {
			continue
		}
		if err := p.w.Rates.Report(ctx, plan, p.w.Name, now, p.w.Now()); err != nil {
			p.w.Log.Warn("the pace was not reported", "plan", string(plan), "error", err.Error())
		}
	}
}

// forget drops users whose service is long ago.
func (p *pace) forget() {
	now := p.w.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for user, f := range p.users {
		if f.now(now) < trifle {
			delete(p.users, user)
		}
	}
}
