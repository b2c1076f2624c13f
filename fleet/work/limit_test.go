package work

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/fleet/engine"
	"parley/fleet/enginetest"
	"parley/fleet/prompt"
)

// gauge is an engine that shows a set load.
type gauge struct {
	Engine
	load engine.Load
	err  error
}

func (g *gauge) Load(context.Context) (engine.Load, error) { return g.load, g.err }

func TestLimitOfAnEngineThatTellsItsSlots(t *testing.T) {
	g := &gauge{}
	l := newLimit(0, g, time.Now)
	for range 3 {
		l.begin(0)
	}
	for _, c := range []struct {
		load engine.Load
		want int
		why  string
	}{
		{engine.Load{Slots: 8, Running: 3}, 8, "all slots are ours"},
		{engine.Load{Slots: 8, Running: 6}, 5, "others have three"},
		{engine.Load{Slots: 8, Running: 8, Waiting: 4}, 0, "others have more than there is"},
		{engine.Load{Slots: 2, Running: 2, Waiting: 1}, 2, "it has fewer slots now, one of ours waits"},
		{engine.Load{Slots: 16}, 16, "it has more slots now"},
	} {
		g.load = c.load
		if l.look(t.Context()); l.answers() != c.want {
			t.Errorf("%s: limit %d, want %d", c.why, l.answers(), c.want)
		}
	}
	if l = newLimit(6, g, time.Now); l.answers() != 6 {
		t.Errorf("before the first look: %d", l.answers())
	}
	if l.look(t.Context()); l.answers() != 6 {
		t.Errorf("over what operators allow: %d", l.answers())
	}
}

// A call that ended is ours for as long as the engine may take to see it.
func TestACallThatJustEndedIsOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gauge{load: engine.Load{Slots: 4, Running: 2}}
		l := newLimit(0, g, time.Now)
		l.begin(0)
		l.begin(0).end(nil)
		if l.look(t.Context()); l.answers() != 4 {
			t.Errorf("limit %d while the engine still shows it", l.answers())
		}
		time.Sleep(time.Second)
		if l.look(t.Context()); l.answers() != 3 {
			t.Errorf("limit %d while somebody else has a slot", l.answers())
		}
	})
}

// vLLM says what runs and waits, not how much would be too much.
func TestLimitOfAnEngineThatTellsItsLoad(t *testing.T) {
	const room = 48
	g := &gauge{}
	l := newLimit(0, g, time.Now)
	ours := 0
	look := func() {
		for ; ours < l.answers(); ours++ { // there is always more to do
			l.begin(0)
		}
		g.load = engine.Load{Running: min(ours, room), Waiting: max(0, ours-room)}
		l.look(t.Context())
		for ours > l.answers() { // what is over the limit ends and isn't followed
			ours--
			l.calls--
		}
	}
	looks := 0
	for ; l.answers() < room && looks < 20; looks++ {
		look()
	}
	if l.answers() < room {
		t.Fatalf("limit %d after %d looks", l.answers(), looks)
	}
	t.Logf("%d looks to reach %d", looks, l.answers())
	for range 5 {
		look()
	}
	for range 20 {
		if look(); l.answers() < room || l.answers() > room+1 {
			t.Errorf("limit %d, the engine has room for %d", l.answers(), room)
		}
	}
	g.load = engine.Load{Running: ours, KV: 0.93}
	if before := l.answers(); true {
		if l.look(t.Context()); l.answers() != before {
			t.Errorf("a cache that is nearly full: limit %d after %d", l.answers(), before)
		}
	}
	g.load.KV = 0.97
	if l.look(t.Context()); l.answers() != ours-1 {
		t.Errorf("a full cache: limit %d with %d answers", l.answers(), ours)
	}
}

// simulated runs calls without end, never more than the limit, against an engine
// that tells nothing: of the calls at once, take says how long the first token
// takes, or that the engine refuses. It returns the mean limit of the second half.
func simulated(l *limit, d time.Duration, take func(calls int) (time.Duration, error)) float64 {
	var mu sync.Mutex
	at, ended := 0, time.Now().Add(d)
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			for time.Now().Before(ended) {
				mu.Lock()
				if at >= l.answers() {
					mu.Unlock()
					time.Sleep(50 * time.Millisecond)
					continue
				}
				at++
				wait, err := take(at)
				mu.Unlock()
				c := l.begin(100)
				time.Sleep(wait)
				if err == nil {
					c.first()
					time.Sleep(3 * time.Second)
				}
				mu.Lock()
				at--
				mu.Unlock()
				c.end(err)
			}
		})
	}
	time.Sleep(d / 2)
	sum, n := 0, 0
	for ; time.Now().Before(ended); n++ {
		sum += l.answers()
		time.Sleep(time.Second)
	}
	all.Wait()
	return float64(sum) / float64(n)
}

func TestLimitOfAnEngineThatRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimit(0, mute{}, time.Now)
		over, calls := 0, 0
		got := simulated(l, 5*time.Minute, func(n int) (time.Duration, error) {
			calls++
			if n > 24 {
				over++
				return time.Millisecond, fmt.Errorf("%w: 429", engine.ErrFull)
			}
			return 200 * time.Millisecond, nil
		})
		t.Logf("limit %.1f of 24, %d of %d calls refused", got, over, calls)
		if got < 17 || got > 25 || over*20 > calls {
			t.Errorf("limit %.1f of 24, %d of %d calls refused", got, over, calls)
		}
	})
}

// The engine queues what it has no slot for, so that first tokens come late.
func TestLimitOfAnEngineThatQueues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimit(0, mute{}, time.Now)
		slots, waits := 20, time.Duration(0)
		take := func(n int) (time.Duration, error) {
			wait := 200*time.Millisecond + time.Duration(max(0, n-slots))*3*time.Second/time.Duration(slots)
			waits = max(waits, wait)
			return wait, nil
		}
		if got := simulated(l, 5*time.Minute, take); got < 16 || got > 26 {
			t.Errorf("limit %.1f of %d", got, slots)
		}
		slots = 5
		if got := simulated(l, 5*time.Minute, take); got < 4 || got > 8 {
			t.Errorf("limit %.1f of %d", got, slots)
		}
	})
}

// Over real HTTP: an engine in vLLM's manner with seven slots that it doesn't tell.
func TestLimitConverges(t *testing.T) {
	e := enginetest.New(t)
	e.Slots, e.VLLM, e.Words, e.Pace = 7, true, 20, 2*time.Millisecond
	client := engine.New(engine.Settings{URL: e.URL, FirstToken: 10 * time.Second, Idle: 10 * time.Second})
	l := newLimit(0, client, time.Now)
	l.period = 20 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { l.run(ctx) })
	sem := make(chan struct{}, 64)
	all.Go(func() {
		for ctx.Err() == nil {
			l.mu.Lock()
			free := l.calls+len(sem) < int(l.size)
			l.mu.Unlock()
			if !free {
				time.Sleep(time.Millisecond)
				continue
			}
			sem <- struct{}{}
			all.Go(func() { ask(t, client, l, sem) })
		}
	})
	// It goes on trying a little more than there is room for, and comes back: of the last
	// second most of the time has to be near, and none of it far off.
	var last []int
	near := func() bool {
		count, far := 0, false
		for _, n := range last {
			count += b2i(n == 7 || n == 8)
			far = far || n < 6 || n > 10
		}
		return len(last) == 100 && count >= 70 && !far
	}
	for deadline := time.Now().Add(20 * time.Second); !near() && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
		last = append(last, l.answers())
		last = last[max(0, len(last)-100):]
	}
	cancel()
	all.Wait()
	if !near() {
		t.Errorf("the engine has 7 slots, the last limits are %v", last)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// ask has one answer written; sem holds its place until it is counted.
func ask(t *testing.T, client *engine.Client, l *limit, sem chan struct{}) {
	c := l.begin(10)
	<-sem
	s, err := client.Chat(context.WithoutCancel(t.Context()), engine.Request{Turns: []prompt.Turn{{Role: "user", Text: "Why?"}}, MaxTokens: 50})
	if err != nil {
		t.Error(err)
		c.end(err)
		return
	}
	defer s.Close()
	for err == nil {
		if _, err = s.Next(); err == nil {
			c.first()
		}
	}
	if !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	c.end(nil)
}
