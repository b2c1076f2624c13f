package work

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/fleet/engine"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/queue"
	"parley/shared/quota"
)

// mute is an engine that tells nothing of itself.
type mute struct{ Engine }

func (mute) Health(context.Context) error              { return nil }
func (mute) Load(context.Context) (engine.Load, error) { return engine.Load{}, engine.ErrNoLoad }

// deskOf returns the desk of a worker with that many slots; what it starts is
// noted in the order in which it does.
func deskOf(t *testing.T, slots int) (d *desk, started *[]ticket) {
	t.Helper()
	w := New(Parts{Settings: Settings{Slots: slots}, Engine: mute{}, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	started = &[]ticket{}
	w.desk.start = func(t ticket) { *started = append(*started, t) }
	return w.desk, started
}

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

// some returns that many prompts of a plan, each of another user.
func some(plan quota.Plan, n int) []ticket {
	tickets := make([]ticket, n)
	for i := range tickets {
		tickets[i] = of(plan, id.New(time.Now()))
	}
	return tickets
}

func of(plan quota.Plan, user string) ticket {
	return ticket{plan: plan, since: time.Now(), Delivery: queue.Delivery{
		Prompt: chat.Prompt{User: user, Plan: plan, Deadline: time.Now().Add(time.Minute)}}}
}

func TestIdlePlansReserveOneSlotEach(t *testing.T) {
	d, _ := deskOf(t, 4)
	if a, b := reserve(t, d, quota.Premium), reserve(t, d, quota.Free); a.most != 1 || b.most != 1 || a.wait != longPoll {
		t.Errorf("premium %+v, free %+v", a, b)
	}
}

func TestOneHotPlanHasEverySlot(t *testing.T) {
	d, started := deskOf(t, 4)
	p := reserve(t, d, quota.Premium)
	d.settle(quota.Premium, p, nil)
	for len(*started) < 4 {
		f := reserve(t, d, quota.Free)
		if f.most == 0 {
			t.Fatalf("free has %d of 4 slots", len(*started))
		}
		d.settle(quota.Free, f, some(quota.Free, f.most))
	}
	if p := d.mayPoll(t, quota.Premium); p.slots != 0 {
		t.Errorf("premium reserves %d slots without room", p.slots)
	}
}

// Both queues are full: premium has all slots but free's share, for as long as
// they run and are freed.
func TestFreeKeepsItsShare(t *testing.T) {
	d, started := deskOf(t, 16)
	running := map[quota.Plan]int{}
	take := func(plan quota.Plan) {
		if got := reserve(t, d, plan); got.most > 0 {
			*started = nil
			d.settle(plan, got, some(plan, got.most))
			for _, s := range *started {
				running[s.plan]++
			}
		}
	}
	for round := range 50 {
		for range 8 {
			take(quota.Premium)
			take(quota.Free)
		}
		if round >= 10 && (running[quota.Free] != 2 || running[quota.Premium] != 14) {
			t.Fatalf("running %v", running)
		}
		for _, plan := range []quota.Plan{quota.Free, quota.Premium} {
			*started = nil
			running[plan]--
			d.leave(of(plan, "u"))
			for _, s := range *started {
				running[s.plan]++
			}
		}
	}
}

// With a single slot every ninth start is free's.
func TestSingleSlotIsSharedByTurns(t *testing.T) {
	d, started := deskOf(t, 1)
	for round := 0; len(*started) < 90 && round < 1000; round++ {
		d.waiting[quota.Premium], d.waiting[quota.Free] = true, true
		for _, plan := range []quota.Plan{quota.Free, quota.Premium} {
			if got := reserve(t, d, plan); got.most > 0 {
				n := len(*started)
				d.settle(plan, got, some(plan, 1))
				for ; n < len(*started); n++ { // one that leaves may let another one start
					d.leave((*started)[n])
				}
				break
			}
		}
	}
	turns := map[quota.Plan]int{}
	for _, s := range (*started)[:90] {
		turns[s.plan]++
	}
	if turns[quota.Free] < 10 || turns[quota.Free] > 11 {
		t.Errorf("turns %v", turns)
	}
}

// Premium had a prompt a minute ago: a flood of free ones leaves it one slot, on
// which it waits without asking again and again. After two minutes it does no more.
// Polls that bring nothing take turns at a single slot, so that neither plan's first
// prompt waits for more than one of them.
func TestIdlePlansTakeTurnsAtASingleSlot(t *testing.T) {
	d, started := deskOf(t, 1)
	for range 3 {
		p := reserve(t, d, quota.Premium)
		if f := reserve(t, d, quota.Free); p.most != 1 || f.most != 0 {
			t.Fatalf("premium %+v, free %+v beside it", p, f)
		}
		d.settle(quota.Premium, p, nil)
		if again := reserve(t, d, quota.Premium); again.most != 0 {
			t.Fatalf("premium polls again before free: %+v", again)
		}
		f := reserve(t, d, quota.Free)
		if f.most != 1 {
			t.Fatalf("it is nobody's turn: %+v", f)
		}
		d.settle(quota.Free, f, nil)
	}
	p := reserve(t, d, quota.Premium)
	reserve(t, d, quota.Free)
	d.settle(quota.Premium, p, nil)
	f := reserve(t, d, quota.Free)
	d.settle(quota.Free, f, some(quota.Free, 1))
	if len(*started) != 1 {
		t.Error("free's prompt does not start")
	}
}

func TestAPlanKeepsASlotOpenForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, started := deskOf(t, 8)
		p := reserve(t, d, quota.Premium)
		d.settle(quota.Premium, p, some(quota.Premium, 1))
		p = reserve(t, d, quota.Premium)
		d.settle(quota.Premium, p, nil)
		time.Sleep(time.Minute)
		d.leave((*started)[0])
		flood := func() (running int) {
			for {
				f := reserve(t, d, quota.Free)
				if f.most == 0 {
					return len(*started) - 1
				}
				d.settle(quota.Free, f, some(quota.Free, f.most))
			}
		}
		if n := flood(); n != 7 {
			t.Errorf("the flood has %d of 8 slots", n)
		}
		p = reserve(t, d, quota.Premium)
		if p.most != 1 || p.slots != 1 || p.wait != longPoll {
			t.Errorf("premium polls %+v", p)
		}
		d.settle(quota.Premium, p, nil)
		time.Sleep(time.Minute + time.Second)
		if n := flood(); n != 8 {
			t.Errorf("after two minutes the flood has %d of 8 slots", n)
		}
	})
}

// Of what is held starts first what is past its deadline, then the user who has
// had least, what runs for the user included.
func TestLeastServedUserIsNext(t *testing.T) {
	w := New(Parts{Settings: Settings{Slots: 1}, Engine: mute{}, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	var order []string
	w.desk.start = func(t ticket) { order = append(order, t.Prompt.User) }
	w.pace.note("much", quota.Free, chat.Usage{PromptTokens: 900, CompletionTokens: 100}, time.Second, true)
	w.pace.note("kept", quota.Free, chat.Usage{PromptTokens: 900, CachedTokens: 850, CompletionTokens: 100}, time.Second, true)
	late := of(quota.Free, "late")
	late.Prompt.Deadline = time.Now().Add(-time.Second)
	w.pace.note("late", quota.Free, chat.Usage{CompletionTokens: 5000}, time.Second, false)
	first := of(quota.Free, "new")
	w.desk.settle(quota.Free, turn{}, []ticket{first})
	w.desk.settle(quota.Free, turn{}, []ticket{of(quota.Free, "much"), of(quota.Free, "kept"), of(quota.Free, "new"), late, of(quota.Free, "other")})
	for range 5 {
		w.desk.leave(of(quota.Free, order[len(order)-1]))
	}
	if want := []string{"new", "late", "new", "other", "kept", "much"}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
}

// What an answer that takes long keeps from starting is another worker's soon.
func TestWhatIsHeldForLongGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, started := deskOf(t, 1)
		d.settle(quota.Free, turn{}, some(quota.Free, 2))
		time.Sleep(3 * time.Second)
		if late := d.late(4 * time.Second); len(late) > 0 {
			t.Errorf("%d go back after 3 s", len(late))
		}
		time.Sleep(time.Second)
		if late := d.late(4 * time.Second); len(late) != 1 {
			t.Errorf("%d go back after 4 s", len(late))
		}
		if d.leave((*started)[0]); len(*started) != 1 {
			t.Error("what went back starts here, too")
		}
	})
}

func TestOneUserDoesNotFillTheSlots(t *testing.T) {
	d, started := deskOf(t, 2)
	d.settle(quota.Free, turn{}, []ticket{of(quota.Free, "a"), of(quota.Free, "a"), of(quota.Free, "a"), of(quota.Free, "b")})
	d.leave((*started)[0])
	d.leave((*started)[1])
	if got := []string{(*started)[0].Prompt.User, (*started)[1].Prompt.User}; !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("the first two starts are of %v", got)
	}
}

// endless is a queue with some prompts a second, or more than anybody takes.
type endless struct {
	Queue
	every time.Duration // between two prompts; 0: there is always one
	mu    sync.Mutex
	next  time.Time
	calls int
	moved int // prompts handed back
}

func (q *endless) Receive(_ context.Context, most int, wait time.Duration) ([]queue.Delivery, error) {
	time.Sleep(10 * time.Millisecond) // the way to SQS and back
	q.mu.Lock()
	q.calls++
	next := q.next
	q.mu.Unlock()
	if q.every == 0 {
		return make([]queue.Delivery, most), nil
	}
	if left := time.Until(next); left > wait {
		time.Sleep(wait)
		return nil, nil
	} else if left > 0 {
		time.Sleep(left)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	due := q.next
	q.next = time.Now().Add(q.every)
	return []queue.Delivery{{Body: due.Format(time.RFC3339Nano)}}, nil
}

func (q *endless) Extend(_ context.Context, _ time.Duration, receipts ...string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.moved += len(receipts)
	return nil
}

// shift runs 64 slots of 45 s answers for an hour and says what that took.
type shift struct {
	calls  map[quota.Plan]int
	starts map[quota.Plan]int
	moved  int
	busy   float64       // share of the slots that was at work
	waited time.Duration // longest, from the coming of a prompt to its start
}

func work(t *testing.T, slots int, took time.Duration, free, premium []*endless) shift {
	t.Helper()
	queues := map[quota.Plan][]Queue{}
	for plan, all := range map[quota.Plan][]*endless{quota.Free: free, quota.Premium: premium} {
		for _, q := range all {
			queues[plan] = append(queues[plan], q)
		}
	}
	w := New(Parts{Settings: Settings{Slots: slots, Heartbeat: 5 * time.Second, Visibility: 15 * time.Second}, Engine: mute{},
		Queues: queues, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	s := shift{starts: map[quota.Plan]int{}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	go w.gate.run(ctx)
	var mu sync.Mutex
	lots := rand.New(rand.NewPCG(1, 1))
	w.intake(ctx, func(tick ticket) {
		mu.Lock()
		s.starts[tick.plan]++
		if due, err := time.Parse(time.RFC3339Nano, tick.Body); err == nil && s.starts[tick.plan] > 1 {
			s.waited = max(s.waited, time.Since(due))
		}
		took := time.Duration((0.5 + lots.Float64()) * float64(took))
		mu.Unlock()
		go func() {
			time.Sleep(took)
			w.pace.note("u", tick.plan, chat.Usage{CompletionTokens: 100}, took, true)
			w.desk.leave(tick)
		}()
	})
	synctest.Wait()
	time.Sleep(2 * took)
	mu.Lock()
	defer mu.Unlock()
	s.calls = map[quota.Plan]int{}
	for plan, all := range queues {
		for _, q := range all {
			s.calls[plan] += q.(*endless).calls
			s.moved += q.(*endless).moved
		}
	}
	s.busy = float64(s.starts[quota.Free]+s.starts[quota.Premium]) * took.Seconds() / float64(slots) / time.Hour.Seconds()
	return s
}

// A turn's receive calls are counted over an hour of full slots: those that bring
// nothing must cost nearly nothing, and several prompts come with one call.
func TestReceiveCallsOfATurn(t *testing.T) {
	const never = 24 * time.Hour
	for name, c := range map[string]struct {
		slots         int
		took          time.Duration
		free, premium time.Duration // between prompts
		most          float64       // calls for a start
		busy          float64       // share of the slots, at least
	}{
		"64 slots, free only":          {64, 45 * time.Second, 0, never, 0.75, 0.98},
		"64 slots, some premium":       {64, 45 * time.Second, 0, 20 * time.Second, 0.75, 0.97},
		"64 slots, premium only":       {64, 45 * time.Second, never, 0, 0.75, 0.98},
		"64 slots, both":               {64, 45 * time.Second, 0, 0, 0.8, 0.98},
		"4 slots, free only":           {4, 45 * time.Second, 0, never, 3.5, 0.98},
		"8 slots of 2 s, some premium": {8, 2 * time.Second, 0, 20 * time.Second, 0.6, 0.86},
		"16 slots of 2 s, free only":   {16, 2 * time.Second, 0, never, 0.55, 0.98},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := func(every time.Duration) []*endless {
					return []*endless{{every: every, next: time.Now().Add(every)}}
				}
				s := work(t, c.slots, c.took, start(c.free), start(c.premium))
				starts := s.starts[quota.Free] + s.starts[quota.Premium]
				calls := float64(s.calls[quota.Free]+s.calls[quota.Premium]) / float64(starts)
				t.Logf("%.2f calls a start (%v for %v), %.1f %% busy, %d moved, waited %v", calls, s.calls, s.starts, 100*s.busy, s.moved, s.waited)
				if s.waited > 50*time.Millisecond {
					t.Errorf("a premium prompt waited %v amid a flood of free ones", s.waited)
				}
				if share := float64(s.starts[quota.Free]) / float64(starts); c.free == 0 && c.premium == 0 && (share < 0.10 || share > 0.15) {
					t.Errorf("free has %.3f of the starts, want an eighth", share)
				}
				if calls > c.most || s.busy < c.busy {
					t.Errorf("%.2f calls a start, want %.2f; %.3f busy, want %.3f", calls, c.most, s.busy, c.busy)
				}
			})
		})
	}
}
