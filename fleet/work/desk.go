package work

import (
	"context"
	"slices"
	"sync"
	"time"

	"parley/shared/queue"
	"parley/shared/quota"
)

const (
	longPoll  = 5 * time.Second // the end of a worker waits as long
	shortPoll = time.Second     // while a poll keeps the other plan from having one
	freeEvery = 8               // one slot, or one start, in so many is free's, if any free prompt waits
	lately    = 2 * time.Minute // a plan that had a prompt since then keeps a slot open
	keepOpen  = 4               // slots from which on that is done
	ahead     = 3 * time.Second // prompts are held that can start within that time
)

// desk shares out the engine's slots among the plans and their users.
//
// A poll reserves slots for what it may bring. Premium goes first; free has one
// slot in eight, at least one if there are two, and of a single slot every eighth
// turn. What runs is never stopped for anything else.
//
// A plan is hot while its last poll brought something, and deep if that was all that
// it could bring: its queue has more. Of several queues it is that of any of them; they
// take turns (round.go). A plan that had prompts lately keeps one slot
// open against the other, on which its long poll waits: so its next prompt starts at
// once, and nobody has to ask again and again whether there is one. A plan that had
// none lately, or whose engine has a few slots only, waits without a slot while the
// other is deep; then its prompt is held, and starts with the next slot that is
// free. Other workers are as busy then.
//
// Of a deep queue a few prompts are taken ahead and held until a slot is free, as
// many as start within three seconds. That makes one call of several, and of those
// held the next to start is the one whose user has had the fewest tokens lately.
// What has not started after a heartbeat goes back, because others may have a slot.
type desk struct {
	size  func() int             // slots that there are now
	rate  func() float64         // starts a second when all are busy; 0 if unknown
	had   func(u string) float64 // tokens that a user has had lately
	each  func() float64         // tokens of one more answer
	start func(ticket)
	now   func() time.Time

	mu       sync.Mutex
	polled   map[quota.Plan]int // prompts that polls under way may bring
	line     map[quota.Plan][]ticket
	running  map[quota.Plan]int
	users    map[string]int // answers that run, by user
	rounds   map[quota.Plan]*round
	hot      map[quota.Plan]bool
	deep     map[quota.Plan]bool // the last poll brought all that it could
	seen     map[quota.Plan]time.Time
	waiting  map[quota.Plan]bool // wants to poll
	premiums int                 // premium prompts since the last free one
	yields   bool                // premium's last poll was in vain, and free has not polled since
	changed  chan struct{}
	closed   bool
}

// ticket is a prompt that was received and not started.
type ticket struct {
	plan  quota.Plan
	queue Queue
	queue.Delivery
	since time.Time // when it was received
}

func (t ticket) from() (Queue, string) { return t.queue, t.Receipt }

func newDesk(w *Worker) *desk {
	rounds := map[quota.Plan]*round{}
	for _, plan := range []quota.Plan{quota.Premium, quota.Free} {
		rounds[plan] = newRound(len(w.Queues[plan]))
	}
	return &desk{
		rounds: rounds, size: w.limit.answers, rate: w.pace.starts, had: w.pace.attained, each: w.pace.each, now: w.Now,
		polled: map[quota.Plan]int{}, line: map[quota.Plan][]ticket{}, running: map[quota.Plan]int{}, users: map[string]int{},
		hot: map[quota.Plan]bool{}, deep: map[quota.Plan]bool{}, seen: map[quota.Plan]time.Time{},
		waiting: map[quota.Plan]bool{}, changed: make(chan struct{}),
	}
}

// turn is the right to poll for up to most prompts.
type turn struct {
	most  int
	slots int // of them that are reserved; the others will be held
	lane  int // which of the plan's queues is polled
	wait  time.Duration
}

// reserve waits for a turn of that plan; it ends with ctx.
func (d *desk) reserve(ctx context.Context, plan quota.Plan) (turn, error) {
	for {
		d.mu.Lock()
		t := d.offer(plan)
		d.waiting[plan] = t.most == 0
		d.polled[plan] += t.slots
		changed := d.changed
		d.mu.Unlock()
		if t.most > 0 {
			return t, nil
		}
		select {
		case <-ctx.Done():
			return turn{}, context.Cause(ctx)
		case <-changed:
		}
	}
}

func other(plan quota.Plan) quota.Plan {
	if plan == quota.Premium {
		return quota.Free
	}
	return quota.Premium
}

// offer decides what plan may poll for now, and where; the caller holds the lock.
func (d *desk) offer(plan quota.Plan) turn {
	t, r := d.alone(plan), d.rounds[plan]
	t.lane, t.wait = r.lane, r.wait(t.wait)
	return t
}

// alone is the offer to a plan of one queue.
func (d *desk) alone(plan quota.Plan) turn {
	room, them := d.room(plan), other(plan)
	t := turn{most: min(max(room, 0), 1), wait: longPoll}
	switch {
	case d.deep[plan]:
		t.most = max(min(room+d.spare(plan), 10), 0)
	case d.deep[them] && !d.stands(plan) && len(d.line[plan]) == 0:
		return turn{most: 1, wait: longPoll} // to be held until a slot is free
	}
	t.slots = min(t.most, max(room, 0))
	switch {
	case t.most > 1 && d.hot[them]:
		t.wait = 0
	case room <= t.most && d.polled[them] == 0 && !d.stands(plan):
		t.wait = shortPoll
	}
	return t
}

// room is how many slots plan may speak for; below 0 if more is held than that. Free
// prompts that are held don't count against premium, which starts before them.
func (d *desk) room(plan quota.Plan) int {
	free := d.free()
	mine := d.polled[plan] + len(d.line[plan])
	if plan == quota.Premium {
		return free - mine - max(d.open(quota.Free), d.polled[quota.Free])
	}
	theirs := max(d.open(quota.Premium), d.polled[quota.Premium]+len(d.line[quota.Premium]))
	return max(free-theirs, min(free, d.owed())) - mine
}

// free is how many slots don't run.
func (d *desk) free() int { return d.size() - d.running[quota.Premium] - d.running[quota.Free] }

// open is how many slots have to be left to a plan by the other one, besides those
// that its polls and its line speak for.
func (d *desk) open(plan quota.Plan) int {
	open := 0
	if d.stands(plan) || d.waiting[plan] && !(plan == quota.Premium && d.yields) {
		open = 1
	}
	if plan == quota.Free && d.yields && d.waiting[plan] {
		return 1 // even of a single slot
	}
	if plan == quota.Premium {
		if d.deep[plan] {
			open = d.size() // its queue has more
		}
		return open
	}
	if d.hot[plan] {
		open = d.share()
	}
	return min(open, d.owed())
}

// stands reports whether a plan keeps a slot open.
func (d *desk) stands(plan quota.Plan) bool {
	seen, ok := d.seen[plan]
	return ok && d.size() >= keepOpen && d.now().Sub(seen) < lately
}

// share is how many slots free may have whatever premium wants.
func (d *desk) share() int {
	switch size := d.size(); {
	case size > 1:
		return max(1, size/freeEvery)
	case d.premiums >= freeEvery:
		return size // its turn
	}
	return 0
}

// owed is how much of its share free doesn't have.
func (d *desk) owed() int { return max(0, d.share()-d.running[quota.Free]) }

// spare is how many prompts of a plan may be held, besides those that are: none
// before half of them have started, so that one call brings several.
func (d *desk) spare(plan quota.Plan) int {
	if !d.deep[plan] || plan == quota.Free && d.deep[quota.Premium] {
		return 0
	}
	most, held := min(int(d.rate()*ahead.Seconds()), 10), len(d.line[plan])
	if held > most/2 {
		return 0
	}
	return most - held
}

// settle ends a poll that brought these; what there is room for starts.
func (d *desk) settle(plan quota.Plan, t turn, got []ticket) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.polled[plan] -= t.slots
	r := d.rounds[plan]
	r.took(t.lane, lane{hot: len(got) > 0, deep: len(got) == t.most})
	d.hot[plan], d.deep[plan] = r.hot(), r.deep()
	d.yields = plan == quota.Premium && !d.hot[plan] && d.size() < keepOpen
	if len(got) > 0 {
		d.seen[plan] = d.now()
	} else if plan == quota.Free && !d.hot[plan] {
		d.premiums = 0 // its turn is over
	}
	d.line[plan] = append(d.line[plan], got...)
	d.serve()
}

// leave gives one slot back.
func (d *desk) leave(t ticket) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running[t.plan]--
	if d.users[t.Prompt.User]--; d.users[t.Prompt.User] == 0 {
		delete(d.users, t.Prompt.User)
	}
	d.serve()
}

// look has the desk see that the number of slots has changed.
func (d *desk) look() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.serve()
}

// serve starts what there is room for and has everyone who waits look again; the
// caller holds the lock.
func (d *desk) serve() {
	for plan, ok := d.next(); ok; plan, ok = d.next() {
		t := d.pick(plan)
		d.running[plan]++
		d.users[t.Prompt.User]++
		if plan == quota.Premium {
			d.premiums++
		} else {
			d.premiums = 0
		}
		d.start(t)
	}
	close(d.changed)
	d.changed = make(chan struct{})
}

// next says of which plan the next held prompt may start: free's share goes first,
// held or still to be polled for; then premium; then what a poll of premium doesn't
// wait on.
func (d *desk) next() (quota.Plan, bool) {
	free, owed := d.free(), d.owed()
	wanted := d.polled[quota.Free]
	if d.waiting[quota.Free] {
		wanted++
	}
	switch {
	case free <= 0, d.closed:
	case len(d.line[quota.Free]) > 0 && owed > 0:
		return quota.Free, true
	case len(d.line[quota.Premium]) > 0:
		return quota.Premium, free > min(owed, wanted)
	case len(d.line[quota.Free]) > 0:
		return quota.Free, free > max(d.open(quota.Premium), d.polled[quota.Premium])
	}
	return "", false
}

// pick takes the prompt from a plan's line that starts next: the one whose user
// has had the least service lately, what runs for the user included. A prompt past
// its deadline goes before, to be failed.
func (d *desk) pick(plan quota.Plan) ticket {
	line := d.line[plan]
	best, least := 0, d.service(line[0])
	for i := range line[1:] {
		if s := d.service(line[i+1]); s < least {
			best, least = i+1, s
		}
	}
	t := line[best]
	d.line[plan] = append(line[:best:best], line[best+1:]...)
	return t
}

func (d *desk) service(t ticket) float64 {
	if d.now().After(t.Prompt.Deadline) {
		return -1
	}
	return d.had(t.Prompt.User) + float64(d.users[t.Prompt.User])*d.each()
}

// late takes out of the lines what has been held for longer than that: another
// worker may have a slot.
func (d *desk) late(age time.Duration) []ticket {
	d.mu.Lock()
	defer d.mu.Unlock()
	var late []ticket
	for plan, line := range d.line {
		d.line[plan] = slices.DeleteFunc(line, func(t ticket) bool {
			waits := d.now().Sub(t.since) >= age
			if waits {
				late = append(late, t)
			}
			return waits
		})
	}
	return late
}

// close returns what is held, for somebody else. From then on nothing starts.
func (d *desk) close() []ticket {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	held := append(d.line[quota.Premium], d.line[quota.Free]...)
	clear(d.line)
	return held
}
