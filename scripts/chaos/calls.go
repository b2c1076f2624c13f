package main

import (
	"encoding/json"
	"strings"
	"sync"
	"time"

	"parley/fleet/enginetest"
	"parley/scripts/chaos/check"
	"parley/scripts/chaos/plan"
)

// calls is what the engines were asked, by their own logs, which outlive them.
type calls struct {
	mu      sync.Mutex
	open    map[int]map[int]*call // by engine and number; a killed engine has none
	list    map[string][]*call    // by prompt
	replies map[string]*check.Reply
	wishes  map[string]time.Time
	stops   []time.Duration // from a wish to stop to the end of the engine's work
}

type call struct {
	enginetest.Entry
	sizes []int // bytes of each token, where the answer isn't known beforehand
}

func newCalls() *calls {
	return &calls{open: map[int]map[int]*call{}, list: map[string][]*call{}, replies: map[string]*check.Reply{}, wishes: map[string]time.Time{}}
}

// lines returns what takes in an engine's log.
func (c *calls) lines(engine int) func(string) {
	return func(line string) {
		var e enginetest.Entry
		if json.Unmarshal([]byte(line), &e) == nil && e.ID > 0 {
			c.note(engine, call{Entry: e})
		}
	}
}

// note takes in that a call began or has ended.
func (c *calls) note(engine int, now call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	open := c.open[engine]
	if open == nil {
		open = map[int]*call{}
		c.open[engine] = open
	}
	was := open[now.ID]
	if was == nil {
		was = &call{}
		open[now.ID] = was
		c.list[now.Question] = append(c.list[now.Question], was)
	}
	*was = now
	if now.State == enginetest.Began {
		return
	}
	delete(open, now.ID)
	if asked, ok := c.wishes[now.Question]; ok && now.State == enginetest.Aborted {
		c.stops = append(c.stops, now.EndedAt.Sub(asked))
		delete(c.wishes, now.Question)
	}
}

// running returns the prompts that an engine writes answers to; with a key, only
// those for that worker.
func (c *calls) running(engine int, key string) (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, call := range c.open[engine] {
		if key == "" || call.Key == key {
			names = append(names, call.Question)
		}
	}
	return names
}

// killed notes that an engine was killed with all that it wrote.
func (c *calls) killed(engine int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, call := range c.open[engine] {
		call.State = enginetest.Broken
	}
	delete(c.open, engine)
}

// lost notes that the worker was killed that had these prompts.
func (c *calls) lost(names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range names {
		if r := c.replies[name]; r != nil {
			r.Killed++
		}
	}
}

// follow makes a reply known.
func (c *calls) follow(r *check.Reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.replies[r.Name()] = r
}

// stopped notes that a cancel was answered that was asked for at that time.
func (c *calls) stopped(name string, asked time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.list[name]
	if len(list) == 0 {
		return
	}
	last := list[len(list)-1]
	switch last.State {
	case enginetest.Aborted:
		c.stops = append(c.stops, last.EndedAt.Sub(asked))
	case enginetest.Began:
		c.wishes[name] = asked
	}
}

// into hands the calls over to the replies that they were for.
func (c *calls) into(replies []*check.Reply, p plan.Plan) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range replies {
		for _, call := range c.list[r.Name()] {
			sizes, total := call.sizes, call.Sent
			if r.Want != nil {
				sizes, total = sizesAfter(r.Want, call.Prefix), 0
			}
			r.Calls = append(r.Calls, check.Call{Prefix: call.Prefix, Sizes: sizes, Total: total, State: check.State(call.State),
				Strange: call.Strange, Prompt: call.Prompt, At: call.BeganAt})
		}
	}
}

// want is the whole answer to a prompt, in tokens.
func want(p plan.Plan, q plan.Prompt) []string { return enginetest.Prose(p.Question(q), q.Words) }

// sizesAfter are the bytes of each token after the first n of them all.
func sizesAfter(tokens []string, n int) []int {
	n = min(n, len(strings.Join(tokens, "")))
	var sizes []int
	for _, t := range tokens {
		if n >= len(t) {
			n -= len(t)
			continue
		}
		sizes = append(sizes, len(t)-n)
		n = 0
	}
	return sizes
}
