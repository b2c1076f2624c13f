package fleet

import (
	"container/heap"
	"slices"
)

// Fleet is replicas at work. Time passes only by Until and Offer.
type Fleet struct {
	engine   Engine
	admitted bool // refuse what its deadline would not be kept of

	now     float64
	ready   []*replica
	staying int       // of them, that take prompts
	boots   []float64 // when replicas that were ordered are ready
	waiting [Plans]fifo
	ends    ends
	measure [Plans]means
	took    [Plans]float64 // slot-seconds, of which half is forgotten in a minute
	looked  [Plans]look
	result  Result
}

// New returns a fleet of so many replicas that are ready.
func New(e Engine, replicas int) *Fleet {
	f := &Fleet{engine: e, staying: replicas}
	for range replicas {
		f.ready = append(f.ready, &replica{})
	}
	for plan := range f.looked {
		f.looked[plan].at = -lookEvery
	}
	return f
}

// Admit has the fleet refuse, from now on, what it can't start within its deadline,
// as send-message does.
func (f *Fleet) Admit() { f.admitted = true }

// replica is one engine. One that is let go finishes what it has.
type replica struct {
	busy  int // slots
	leave bool
}

// fifo is prompts in the order of their coming.
type fifo struct {
	prompts []Prompt
	head    int
}

func (f *fifo) len() int      { return len(f.prompts) - f.head }
func (f *fifo) first() Prompt { return f.prompts[f.head] }

func (f *fifo) pop() {
	f.head++
	if f.head > 4096 && f.head*2 > len(f.prompts) {
		f.prompts, f.head = slices.Clone(f.prompts[f.head:]), 0
	}
}

// means are what one reply takes, as workers measure it.
type means struct{ tokens, took, slots float64 }

func (m *means) note(now means) {
	if m.took == 0 {
		*m = now
	}
	m.tokens += 0.1 * (now.tokens - m.tokens)
	m.took += 0.1 * (now.took - m.took)
	m.slots += 0.1 * (now.slots - m.slots)
}

type end struct {
	at   float64
	on   *replica
	what Prompt
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

// look is what was foretold of a queue when somebody last looked at it.
type look struct{ at, wait float64 }

// lookEvery is how old what send-message knows of a queue may be, in seconds.
const lookEvery = 10

// share is the part of its deadline up to which a prompt may have to wait, and be
// accepted.
var share = [Plans]float64{Free: 0.7, Premium: 0.9}

// overloaded reports whether a prompt of that plan is refused now.
func (f *Fleet) overloaded(plan int) bool {
	if f.now-f.looked[plan].at >= lookEvery {
		f.looked[plan] = look{f.now, 0}
		if f.staying > 0 { // of a fleet without workers nothing is known
			f.looked[plan].wait = Backlog(plan)(f)
		}
	}
	return f.looked[plan].wait > share[plan]*Deadline[plan]
}

// Offer lets time pass until a prompt comes, and takes or refuses it.
func (f *Fleet) Offer(p Prompt) {
	f.Until(p.At)
	f.result.Arrived[p.Plan]++
	if f.admitted && f.overloaded(p.Plan) {
		f.result.Refused[p.Plan]++
		return
	}
	f.waiting[p.Plan].prompts = append(f.waiting[p.Plan].prompts, p)
	f.start()
}

// Until lets everything happen that does before that time.
func (f *Fleet) Until(at float64) {
	for {
		switch {
		case len(f.boots) > 0 && f.boots[0] <= at && (len(f.ends) == 0 || f.boots[0] <= f.ends[0].at):
			f.now = max(f.now, f.boots[0])
			f.boots = f.boots[1:]
			f.ready = append(f.ready, &replica{})
			f.staying++
		case len(f.ends) > 0 && f.ends[0].at <= at:
			f.finish(heap.Pop(&f.ends).(end))
		default:
			f.now = at
			return
		}
		f.start()
	}
}

func (f *Fleet) finish(e end) {
	f.now = e.at
	now := means{e.what.In + e.what.Out, f.engine.Takes(e.what), float64(e.what.slots())}
	f.measure[e.what.Plan].note(now)
	f.took[e.what.Plan] += now.took * now.slots
	f.result.Answered[e.what.Plan]++
	if e.on.busy -= e.what.slots(); e.on.leave && e.on.busy == 0 {
		f.ready = slices.DeleteFunc(f.ready, func(r *replica) bool { return r == e.on })
	}
}

// start begins what there is room for, premium first but for one start in eight.
func (f *Fleet) start() {
	for f.waiting[Free].len()+f.waiting[Premium].len() > 0 {
		plan := Premium
		n := len(f.result.starts[Free]) + len(f.result.starts[Premium])
		if f.waiting[Premium].len() == 0 || f.waiting[Free].len() > 0 && n%8 == 7 {
			plan = Free
		}
		p := f.waiting[plan].first()
		on := f.room(p.slots())
		if on == nil {
			return
		}
		f.waiting[plan].pop()
		if f.now-p.At > Deadline[plan] {
			f.result.Late[plan]++
			continue
		}
		f.result.starts[plan] = append(f.result.starts[plan], wait{p.At, f.now - p.At})
		on.busy += p.slots()
		heap.Push(&f.ends, end{f.now + f.engine.Takes(p), on, p})
	}
}

// room is the replica with the most free slots, nil if none has so many.
func (f *Fleet) room(slots int) *replica {
	var best *replica
	for _, r := range f.ready {
		if !r.leave && r.busy+slots <= f.engine.Slots && (best == nil || r.busy < best.busy) {
			if best = r; r.busy == 0 {
				return r
			}
		}
	}
	return best
}

// Size is how many replicas take prompts or are on their way.
func (f *Fleet) Size() int { return f.staying + len(f.boots) }

// Minute passes a minute's end: the policy sets the size, which is paid for.
func (f *Fleet) Minute(p *Policy, boot float64) {
	f.resize(p.want(f), boot)
	paid := len(f.ready) + len(f.boots)
	f.result.Hours += float64(paid) / 60
	f.result.Most = max(f.result.Most, paid)
}

// resize orders replicas or lets the least busy go.
func (f *Fleet) resize(want int, boot float64) {
	have := f.Size()
	if want != have {
		f.result.Changes++
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
		f.staying--
		if least.busy == 0 {
			f.ready = slices.DeleteFunc(f.ready, func(r *replica) bool { return r == least })
		}
	}
	f.took[Free], f.took[Premium] = f.took[Free]/2, f.took[Premium]/2
}

// Lose takes the whole fleet away, with all that it was at and what waited for it.
func (f *Fleet) Lose() {
	for _, e := range f.ends {
		f.result.Lost[e.what.Plan]++
	}
	for plan := range f.waiting {
		f.result.Lost[plan] += f.waiting[plan].len()
		f.waiting[plan] = fifo{}
	}
	f.ready, f.boots, f.ends, f.staying = nil, nil, nil, 0
}

// Result is what there was until now.
func (f *Fleet) Result() Result {
	r := f.result
	for _, e := range f.ends {
		r.Running[e.what.Plan]++
	}
	for plan := range f.waiting {
		r.Waiting[plan] = f.waiting[plan].len()
	}
	return r
}
