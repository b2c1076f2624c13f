package work

import (
	"context"
	"sync"
	"time"

	"parley/shared/quota"
)

const (
	longPoll  = 5 * time.Second // while there is room for both plans; the end of a worker waits as long
	shortPoll = time.Second     // while a poll holds the last slot
	restPause = 300 * time.Millisecond
	freeEvery = 8 // one prompt in so many is a free one, if any waits
)

// desk shares out the engine's slots among the plans. A poll reserves slots for
// what it may bring, so a worker never holds more prompts than the engine has
// room for. Premium goes first; free has one slot in eight, at least one if there
// are two, and of a single slot every eighth turn.
//
// A plan is hot while its last poll brought something. Only a hot plan reserves
// more than one slot, and only against a hot plan is anything held back.
type desk struct {
	mu       sync.Mutex
	slots    int
	held     map[quota.Plan]int // slots that run or are reserved
	hot      map[quota.Plan]bool
	waiting  map[quota.Plan]bool // wants to poll
	premiums int                 // premium prompts since the last free turn
	changed  chan struct{}
}

func newDesk(slots int) *desk {
	return &desk{slots: slots, held: map[quota.Plan]int{}, hot: map[quota.Plan]bool{},
		waiting: map[quota.Plan]bool{}, changed: make(chan struct{})}
}

// turn is the right to poll for up to most prompts.
type turn struct {
	most  int
	wait  time.Duration
	pause time.Duration // before the next poll, if this one brings nothing
}

// reserve waits for a turn of that plan; it ends with ctx.
func (d *desk) reserve(ctx context.Context, plan quota.Plan) (turn, error) {
	for {
		d.mu.Lock()
		t := d.offer(plan)
		d.waiting[plan] = t.most == 0
		d.held[plan] += t.most
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

// offer decides what plan may poll for now; the caller holds the lock.
func (d *desk) offer(plan quota.Plan) turn {
	other := quota.Premium
	if plan == quota.Premium {
		other = quota.Free
	}
	room := d.slots - d.held[plan] - d.held[other]
	most := min(room, 10)
	if !d.hot[plan] {
		most = min(room, 1)
	}
	if d.hot[other] && d.waits(plan, room) {
		most = 0
	}
	if plan == quota.Premium && d.hot[quota.Free] && d.held[quota.Free] < d.share() {
		most = min(most, room-(d.share()-d.held[quota.Free]))
	}
	t := turn{most: max(most, 0), wait: longPoll}
	switch {
	case d.hot[other]:
		t.wait, t.pause = 0, restPause
	case room-most < 1:
		t.wait = shortPoll
	}
	return t
}

// waits reports whether plan lets the other one, which is hot, go first.
func (d *desk) waits(plan quota.Plan, room int) bool {
	if plan == quota.Premium {
		return d.share() == 0 && d.premiums >= freeEvery && d.waiting[quota.Free]
	}
	owed := d.held[quota.Free] < d.share() || d.share() == 0 && d.premiums >= freeEvery
	return d.waiting[quota.Premium] && !owed && room > 0
}

// share is how many slots free may have whatever premium wants.
func (d *desk) share() int {
	if d.slots < 2 {
		return 0
	}
	return max(1, d.slots/freeEvery)
}

// settle ends a poll that brought that many prompts.
func (d *desk) settle(plan quota.Plan, t turn, got int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held[plan] -= t.most - got
	d.hot[plan] = got > 0
	if plan == quota.Premium {
		d.premiums += got
	} else {
		d.premiums = 0
	}
	d.wake()
}

// leave gives one slot back.
func (d *desk) leave(plan quota.Plan) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held[plan]--
	d.wake()
}

// wake has everyone who waits look again; the caller holds the lock.
func (d *desk) wake() {
	close(d.changed)
	d.changed = make(chan struct{})
}
