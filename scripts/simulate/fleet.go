package main

import (
	"container/heap"
	"fmt"
	"slices"
)

// deadline is how long a prompt may wait for its start, by plan, in seconds.
var deadline = [plans]float64{free: 120, premium: 60}

// fleet is replicas at work.
type fleet struct {
	now     float64
	ready   []*replica
	boots   []float64 // when replicas that were ordered are ready
	waiting [plans]fifo
	ends    ends
	measure [plans]means
	all     means
	took    [plans]float64 // slot-seconds, of which half is forgotten in a minute
	result  result
}

// replica is one engine. One that is let go finishes what it has.
type replica struct {
	busy  int
	leave bool
}

// fifo is prompts in the order of their coming.
type fifo struct {
	prompts []prompt
	head    int
}

func (f *fifo) len() int { return len(f.prompts) - f.head }

func (f *fifo) pop() prompt {
	p := f.prompts[f.head]
	f.head++
	if f.head > 4096 && f.head*2 > len(f.prompts) {
		f.prompts, f.head = slices.Clone(f.prompts[f.head:]), 0
	}
	return p
}

// means are what one reply takes, as workers measure it.
type means struct{ tokens, took float64 }

func (m *means) note(tokens, took float64) {
	if m.took == 0 {
		*m = means{tokens, took}
	}
	m.tokens += 0.1 * (tokens - m.tokens)
	m.took += 0.1 * (took - m.took)
}

type end struct {
	at   float64
	on   *replica
	what prompt
}

// ends is answers that run, the next to end first.
type ends []end

func (e ends) Len() int           { return len(e) }
func (e ends) Less(i, j int) bool { return e[i].at < e[j].at }
func (e ends) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *ends) Push(v any)        { *e = append(*e, v.(end)) }
func (e *ends) Pop() any {
	old := *e
	last := old[len(old)-1]
	*e = old[:len(old)-1]
	return last
}

// result is what a day with a policy came to.
type result struct {
	hours   float64 // that replicas were paid for
	most    int
	changes int // of the size
	late    int // prompts that would have started past their deadline
	starts  [plans][]float64
	waits   [plans]wait
}

// wait is how long prompts waited.
type wait struct{ p50, p99 float64 }

func (w wait) String() string { return fmt.Sprintf("%.1f / %.1f", w.p50, w.p99) }

// play runs a day: every minute the policy says how many replicas there should be.
func play(d day, p *policy, boot float64) result {
	f := &fleet{}
	for range p.first {
		f.ready = append(f.ready, &replica{})
	}
	next := 0
	for minute := 0.0; minute < daySeconds; minute += 60 {
		for next < len(d.prompts) && d.prompts[next].at < minute+60 {
			f.until(d.prompts[next].at)
			f.waiting[d.prompts[next].plan].prompts = append(f.waiting[d.prompts[next].plan].prompts, d.prompts[next])
			f.start()
			next++
		}
		f.until(minute + 60)
		f.resize(p.want(f), boot)
		paid := len(f.ready) + len(f.boots)
		f.result.hours += float64(paid) / 60
		f.result.most = max(f.result.most, paid)
	}
	for plan, waits := range f.result.starts {
		slices.Sort(waits)
		if n := len(waits); n > 0 {
			f.result.waits[plan] = wait{waits[n/2], waits[n*99/100]}
		}
	}
	return f.result
}

// until lets everything happen that does before that time.
func (f *fleet) until(at float64) {
	for {
		switch {
		case len(f.boots) > 0 && f.boots[0] <= at && (len(f.ends) == 0 || f.boots[0] <= f.ends[0].at):
			f.now = max(f.now, f.boots[0])
			f.boots = f.boots[1:]
			f.ready = append(f.ready, &replica{})
		case len(f.ends) > 0 && f.ends[0].at <= at:
			f.finish(heap.Pop(&f.ends).(end))
		default:
			f.now = at
			return
		}
		f.start()
	}
}

func (f *fleet) finish(e end) {
	f.now = e.at
	took := e.what.takes()
	f.measure[e.what.plan].note(e.what.in+e.what.out, took)
	f.all.note(e.what.in+e.what.out, took)
	f.took[e.what.plan] += took
	if e.on.busy--; e.on.leave && e.on.busy == 0 {
		f.ready = slices.DeleteFunc(f.ready, func(r *replica) bool { return r == e.on })
	}
}

// start begins what there is room for, premium first but for one start in eight.
func (f *fleet) start() {
	for f.waiting[free].len()+f.waiting[premium].len() > 0 {
		on := f.room()
		if on == nil {
			return
		}
		plan := premium
		n := len(f.result.starts[free]) + len(f.result.starts[premium])
		if f.waiting[premium].len() == 0 || f.waiting[free].len() > 0 && n%8 == 7 {
			plan = free
		}
		p := f.waiting[plan].pop()
		if f.now-p.at > deadline[plan] {
			f.result.late++
			continue
		}
		f.result.starts[plan] = append(f.result.starts[plan], f.now-p.at)
		on.busy++
		heap.Push(&f.ends, end{f.now + p.takes(), on, p})
	}
}

// room is the replica with the most free slots, nil if there is none.
func (f *fleet) room() *replica {
	var best *replica
	for _, r := range f.ready {
		if !r.leave && r.busy < slots && (best == nil || r.busy < best.busy) {
			best = r
		}
	}
	return best
}

// staying is how many replicas take prompts.
func (f *fleet) staying() int {
	n := 0
	for _, r := range f.ready {
		if !r.leave {
			n++
		}
	}
	return n
}

// resize orders replicas or lets the least busy go.
func (f *fleet) resize(want int, boot float64) {
	have := f.staying() + len(f.boots)
	if want != have {
		f.result.changes++
	}
	for ; have < want; have++ {
		f.boots = append(f.boots, f.now+boot)
	}
	for ; have > want && len(f.boots) > 0; have-- {
		f.boots = f.boots[:len(f.boots)-1]
	}
	for ; have > want; have-- {
		var least *replica
		for _, r := range f.ready {
			if !r.leave && (least == nil || r.busy < least.busy) {
				least = r
			}
		}
		least.leave = true
		if least.busy == 0 {
			f.ready = slices.DeleteFunc(f.ready, func(r *replica) bool { return r == least })
		}
	}
	f.took[free], f.took[premium] = f.took[free]/2, f.took[premium]/2
}
