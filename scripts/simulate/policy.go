package main

import "math"

// policy sets the fleet's size as Application Auto Scaling does with target
// tracking: out, if a metric was over its target for three minutes, in proportion;
// in, if every metric was under nine tenths of its target for fifteen.
type policy struct {
	name    string
	first   int // replicas at midnight
	fixed   bool
	metrics []metric

	over, under []int // minutes
}

// metric is a signal and what it should be.
type metric struct {
	of     func(*fleet) float64
	target float64
}

const (
	outAfter = 3
	inAfter  = 15
	drain    = 300 // seconds
	least    = 1
	largest  = 200
)

// want is called once a minute.
func (p *policy) want(f *fleet) int {
	have := f.staying() + len(f.boots)
	if p.fixed {
		return have
	}
	ready := float64(max(f.staying(), 1))
	out, in, all := have, 0, true
	for i, m := range p.metrics {
		v := m.of(f)
		p.over[i], p.under[i] = p.over[i]+1, p.under[i]+1
		if v <= m.target {
			p.over[i] = 0
		}
		if v >= 0.9*m.target {
			p.under[i] = 0
		}
		size := int(math.Ceil(ready * v / m.target))
		if p.over[i] >= outAfter {
			out = max(out, size) // what is on its way counts
		}
		in = max(in, size)
		all = all && p.under[i] >= inAfter
	}
	switch {
	case out > have:
		return min(out, largest)
	case all && in < have:
		clear(p.under)
		return max(in, least)
	}
	return have
}

// tokens is the signal of functions/report-backlog: seconds that the fleet needs
// for what waits.
func tokens(plan int) func(*fleet) float64 {
	return func(f *fleet) float64 {
		m := f.measure[plan]
		if m.took == 0 {
			return 0
		}
		n := float64(f.staying() * slots)
		if plan == free && f.took[premium] > 0 {
			n *= max(f.took[free]/(f.took[free]+f.took[premium]), 0.125)
		}
		return float64(f.waiting[plan].len()) * m.tokens / (n * m.tokens / m.took)
	}
}

// busy is the percentage of slots that are taken.
func busy(f *fleet) float64 {
	taken := 0
	for _, r := range f.ready {
		if !r.leave {
			taken += r.busy
		}
	}
	return 100 * float64(taken) / float64(max(f.staying()*slots, 1))
}

// demand is busy and, of what waits, as many percent more as would be needed to be
// done with it in drain seconds.
func demand(f *fleet) float64 {
	return busy(f) + 100*(tokens(free)(f)+tokens(premium)(f))/drain
}

// messages is how many prompts wait for each replica, in both queues.
func messages(f *fleet) float64 {
	return float64(f.waiting[free].len()+f.waiting[premium].len()) / float64(max(f.staying(), 1))
}

// policies are those that are compared. The target of the message count is what AWS
// recommends: how long a message may wait, by how long one takes on average.
func policies(d day) []*policy {
	need := d.need() / slots
	mean := d.mean(prompt.takes)
	all := []*policy{
		{name: "tokens waiting ÷ tokens a second (10 s premium, 60 s free) alone", metrics: []metric{{tokens(premium), 10}, {tokens(free), 60}}},
		{name: "the same, and busy slots (80 %)", metrics: []metric{{tokens(premium), 10}, {tokens(free), 60}, {busy, 80}}},
		{name: "demand (80 %)", metrics: []metric{{demand, 80}}},
		{name: "busy slots (80 %) alone", metrics: []metric{{busy, 80}}},
		{name: "messages waiting for each replica (60 s of them) alone", metrics: []metric{{messages, 60 * slots / mean}}},
		{name: "the same, and busy slots (80 %)", metrics: []metric{{messages, 60 * slots / mean}, {busy, 80}}},
		{name: "nothing: as many as the peak needs", fixed: true, first: int(math.Ceil(1.9 * need / 0.8))},
		{name: "nothing: as many as the mean needs", fixed: true, first: int(math.Ceil(need / 0.8))},
	}
	for _, p := range all {
		p.over, p.under = make([]int, len(p.metrics)), make([]int, len(p.metrics))
		if !p.fixed {
			p.first = max(int(math.Ceil(need*curve(0)/0.8)), least)
		}
	}
	return all
}
