package fleet

import "math"

// Policy sets the fleet's size as Application Auto Scaling does with target
// tracking: out, if a metric was over its target for three minutes, in proportion;
// in, if every metric was under nine tenths of its target for fifteen.
type Policy struct {
	Name    string
	First   int  // replicas at first
	Fixed   bool // stays at that
	Metrics []Metric
	Least   int // replicas, at once if there are fewer; none is one
	Most    int // none is no bound

	over, under []int // minutes
}

// Metric is a signal and what it should be.
type Metric struct {
	Of     func(*Fleet) float64
	Target float64
}

const (
	outAfter = 3
	inAfter  = 15
	drain    = 300 // seconds
)

// want is called once a minute.
func (p *Policy) want(f *Fleet) int {
	have := f.Size()
	if p.Fixed {
		return have
	}
	if p.over == nil {
		p.over, p.under = make([]int, len(p.Metrics)), make([]int, len(p.Metrics))
	}
	ready := float64(max(f.staying, 1))
	out, in, all := max(have, p.Least), 0, true
	for i, m := range p.Metrics {
		v := m.Of(f)
		p.over[i], p.under[i] = p.over[i]+1, p.under[i]+1
		if v <= m.Target {
			p.over[i] = 0
		}
		if v >= 0.9*m.Target {
			p.under[i] = 0
		}
		size := int(math.Ceil(ready * v / m.Target))
		if p.over[i] >= outAfter {
			out = max(out, size) // what is on its way counts
		}
		in = max(in, size)
		all = all && p.under[i] >= inAfter
	}
	switch {
	case out > have && p.Most > 0:
		return min(out, p.Most)
	case out > have:
		return out
	case all && in < have:
		clear(p.under)
		return max(in, p.Least, 1)
	}
	return have
}

// Backlog is the signal of functions/report-backlog: seconds that the fleet needs
// for what waits.
func Backlog(plan int) func(*Fleet) float64 {
	return func(f *Fleet) float64 {
		m := f.measure[plan]
		if m.took == 0 {
			return 0
		}
		n := float64(f.staying*f.engine.Slots) / m.slots // answers at once
		if plan == Free && f.took[Premium] > 0 {
			n *= max(f.took[Free]/(f.took[Free]+f.took[Premium]), 0.125)
		}
		return float64(f.waiting[plan].len()) * m.tokens / (n * m.tokens / m.took)
	}
}

// Busy is the percentage of slots that are taken.
func Busy(f *Fleet) float64 {
	taken := 0
	for _, r := range f.ready {
		if !r.leave {
			taken += r.busy
		}
	}
	return 100 * float64(taken) / float64(max(f.staying*f.engine.Slots, 1))
}

// Demand is Busy and, of what waits, as many percent more as would be needed to be
// done with it in drain seconds.
func Demand(f *Fleet) float64 {
	return Busy(f) + 100*(Backlog(Free)(f)+Backlog(Premium)(f))/drain
}

// Messages is how many prompts wait for each replica, in both queues.
func Messages(f *Fleet) float64 {
	return float64(f.waiting[Free].len()+f.waiting[Premium].len()) / float64(max(f.staying, 1))
}
