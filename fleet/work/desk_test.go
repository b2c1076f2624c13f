package work

import (
	"context"
	"testing"

	"parley/shared/quota"
)

func (d *desk) mayPoll(t *testing.T, plan quota.Plan) turn {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.offer(plan)
}

func reserve(t *testing.T, d *desk, plan quota.Plan) turn {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, _ := d.reserve(ctx, plan) // nothing is offered: a zero turn
	return got
}

func TestIdlePlansReserveOneSlotEach(t *testing.T) {
	d := newDesk(4)
	if a, b := reserve(t, d, quota.Premium), reserve(t, d, quota.Free); a.most != 1 || b.most != 1 || a.wait != longPoll {
		t.Errorf("premium %+v, free %+v", a, b)
	}
}

func TestOneHotPlanHasEverySlot(t *testing.T) {
	d := newDesk(4)
	p := reserve(t, d, quota.Premium)
	d.settle(quota.Premium, p, 0)
	for running := 0; running < 4; {
		f := reserve(t, d, quota.Free)
		if f.most == 0 {
			t.Fatalf("free has %d of 4 slots", running)
		}
		d.settle(quota.Free, f, f.most)
		running += f.most
	}
	if p := d.mayPoll(t, quota.Premium); p.most != 0 {
		t.Errorf("premium polls for %d without room", p.most)
	}
}

// Both queues are full: premium has all slots but free's share, for as long as
// they run and are freed.
func TestFreeKeepsItsShare(t *testing.T) {
	d := newDesk(16)
	d.hot[quota.Premium], d.hot[quota.Free] = true, true
	running := map[quota.Plan]int{}
	take := func(plan quota.Plan) {
		got := reserve(t, d, plan)
		if got.most > 0 {
			d.settle(plan, got, got.most)
			running[plan] += got.most
		}
	}
	for round := range 50 {
		for range 4 {
			take(quota.Premium)
			take(quota.Free)
		}
		// At first free may have what one call for premium can't bring.
		if round >= 10 && running[quota.Free] != 2 || round >= 10 && running[quota.Premium] != 14 {
			t.Fatalf("running %v", running)
		}
		for _, plan := range []quota.Plan{quota.Free, quota.Premium} {
			d.leave(plan)
			running[plan]--
		}
	}
}

// With a single slot every eighth turn or so is free's.
func TestSingleSlotIsSharedByTurns(t *testing.T) {
	d := newDesk(1)
	d.hot[quota.Premium], d.hot[quota.Free] = true, true
	turns := map[quota.Plan]int{}
	for range 90 {
		d.waiting[quota.Premium], d.waiting[quota.Free] = true, true
		for _, plan := range []quota.Plan{quota.Free, quota.Premium} {
			if got := reserve(t, d, plan); got.most > 0 {
				d.settle(plan, got, 1)
				d.leave(plan)
				turns[plan]++
				break
			}
		}
	}
	if turns[quota.Free] != 10 || turns[quota.Premium] != 80 {
		t.Errorf("turns %v", turns)
	}
}
