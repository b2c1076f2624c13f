package work

import (
	"context"
	"errors"
	"sync"
	"time"

	"parley/fleet/engine"
)

const (
	loadEvery  = time.Second            // between two looks at the engine's load
	lingers    = 100 * time.Millisecond // longest time in which an engine frees the slot of a call that ended
	startLimit = 4                      // answers at once, as long as nothing is known of the engine
	mostLimit  = 1024
	fullKV     = 0.90 // of its KV cache, from which on the limit doesn't grow
	tightKV    = 0.95 // from which on it shrinks: the engine is about to put answers off
	backOff    = 0.7  // of the limit is left after a call that shows too much load

	// What a first token may take beyond twice the usual before it shows that the
	// request had to wait: once, and for each token of the prompt.
	lateBy    = 500 * time.Millisecond
	lateToken = time.Millisecond
	usualFor  = 5 * time.Minute // how long the shortest time counts as the usual one
)

// limit learns how many answers at once the engine has room for.
//
// An engine that tells slots and load gets as many as it has slots, less what
// others have there. One that tells its load only (vLLM) gets more for as long as
// none waits in it and its KV cache has room, and as many as it runs as soon as
// one waits. Of one that tells nothing the answers are what there is to go by: a
// call that is refused as too many, or whose first token is late, takes the limit
// down by a third; a full round of calls that aren't raises it by one. Until the
// first such sign it rises faster.
type limit struct {
	most    int // set by operators; 0: none
	engine  Engine
	now     func() time.Time
	changed func() // called when it has changed
	period  time.Duration

	mu     sync.Mutex
	size   float64
	blind  bool             // the engine tells nothing
	fast   bool             // nothing has shown yet where the limit is
	ending int              // that ended just now; the engine may not have seen it yet
	calls  int              // under way at the engine, ours
	usual  [2]time.Duration // shortest time to a first token in this period and in the one before; 0: none
	since  time.Time        // when this period began
	shrunk time.Time        // when a call last took it down; calls begun before say nothing new
}

func newLimit(most int, e Engine, now func() time.Time) *limit {
	first := startLimit
	if most > 0 {
		first = most
	}
	return &limit{most: most, engine: e, now: now, changed: func() {}, period: loadEvery, size: float64(first), blind: true, fast: most == 0}
}

// answers returns how many may be under way at once; 0 while others have the
// engine to themselves.
func (l *limit) answers() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.size)
}

func (l *limit) run(ctx context.Context) {
	l.look(ctx)
	every(ctx, l.period, l.look)
}

// look reads the engine's load and learns from it. Calls that end or begin
// meanwhile are counted as ours, not as somebody else's.
func (l *limit) look(ctx context.Context) {
	l.mu.Lock()
	before, ending := l.calls, l.ending
	l.mu.Unlock()
	load, err := l.engine.Load(ctx)
	l.learn(func() {
		l.blind = err != nil
		if err == nil {
			l.see(load, max(before, l.calls), ending)
		}
	})
}

// learn changes the limit by do and says so if that made a difference.
func (l *limit) learn(do func()) {
	l.mu.Lock()
	before := int(l.size)
	do()
	l.size = min(l.size, mostLimit)
	if l.most > 0 {
		l.size = min(l.size, float64(l.most))
	}
	after := int(l.size)
	l.mu.Unlock()
	if after != before {
		l.changed()
	}
}

// see learns from a load of which that many calls are ours, and some may be that
// ended; the caller holds the lock.
func (l *limit) see(load engine.Load, ours, ending int) {
	switch others := max(0, load.Running+load.Waiting-ours-ending); {
	case load.Slots > 0:
		l.size = float64(max(0, load.Slots-others))
	case load.Waiting > 0:
		l.fast = false
		l.size = max(1, min(l.size, float64(ours-load.Waiting)))
	case load.KV >= tightKV:
		l.fast = false
		l.size = max(1, min(l.size, float64(ours-1)))
	case load.KV >= fullKV:
		l.fast = false
	case ours >= int(l.size)-1: // one slot may be kept open for the other plan
		l.grow(1)
	}
}

// grow raises the limit by that part of what a full round is worth: one answer
// more, or half as many again while nothing has shown where the limit is.
func (l *limit) grow(part float64) {
	if l.fast {
		l.size += max(1, l.size/2) * part
		return
	}
	l.size += part
}

// call is one request to the engine.
type call struct {
	l     *limit
	began time.Time
	size  int // tokens of its prompt
	heard bool
}

// begin counts a request of that many tokens; end has to follow.
func (l *limit) begin(size int) *call {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	return &call{l: l, began: l.now(), size: size}
}

// first notes that the answer has begun.
func (c *call) first() {
	if c.heard {
		return
	}
	c.heard = true
	c.l.learn(func() { c.l.heard(c, c.l.now().Sub(c.began)) })
}

// heard learns from how long a first token took; the caller holds the lock.
func (l *limit) heard(c *call, took time.Duration) {
	if l.now().Sub(l.since) > usualFor {
		l.usual, l.since = [2]time.Duration{0, l.usual[0]}, l.now()
	}
	l.usual[0] = shorter(took, l.usual[0])
	usual := shorter(l.usual[0], l.usual[1])
	late := took > 2*usual+lateBy+time.Duration(c.size)*lateToken
	switch {
	case !l.blind:
	case late:
		l.shrink(c)
	case l.calls >= int(l.size)-1:
		l.grow(1 / l.size)
	}
}

// shorter returns the shorter of two times of which 0 is none.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// end notes that the request is over, and how.
func (c *call) end(err error) {
	time.AfterFunc(lingers, func() {
		c.l.mu.Lock()
		defer c.l.mu.Unlock()
		c.l.ending--
	})
	c.l.learn(func() {
		c.l.calls--
		c.l.ending++
		if errors.Is(err, engine.ErrFull) {
			c.l.shrink(c)
		}
	})
}

// shrink takes the limit down once for all the calls that were under way then; the
// caller holds the lock.
func (l *limit) shrink(c *call) {
	if c.began.Before(l.shrunk) {
		return
	}
	l.fast, l.shrunk = false, l.now()
	l.size = max(1, l.size*backOff)
}
