package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/fleet/enginetest"
	"parley/scripts/chaos/check"
	"parley/scripts/chaos/plan"
)

// The log of an engine that is killed leaves what it had in hand as broken, and its
// successor's numbers begin anew.
func TestCallsOutliveTheirEngine(t *testing.T) {
	c := newCalls()
	say := func(id int, state enginetest.State) {
		t.Helper()
		line, err := json.Marshal(enginetest.Entry{ID: id, Question: "p000007", Key: "worker-1", State: state, Prefix: 3 * (id - 1), BeganAt: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		c.lines(0)(string(line))
	}
	c.lines(0)("no log line")
	say(1, enginetest.Began)
	if got := c.running(0, "worker-1"); !slices.Equal(got, []string{"p000007"}) || c.running(0, "worker-0") != nil {
		t.Errorf("running are %v", got)
	}
	c.killed(0)
	say(1, enginetest.Began)
	say(1, enginetest.Refused)
	say(2, enginetest.Began)
	say(2, enginetest.Finished)
	r := &check.Reply{Prompt: plan.Prompt{Number: 7}, Want: []string{"one", " two"}}
	c.into([]*check.Reply{r}, plan.Plan{})
	var states []check.State
	for _, call := range r.Calls {
		states = append(states, call.State)
	}
	if !slices.Equal(states, []check.State{check.Broken, check.Refused, check.Finished}) || c.running(0, "") != nil {
		t.Errorf("states %v, running %v", states, c.running(0, ""))
	}
	if got := r.Calls[2].Sizes; !slices.Equal(got, []int{4}) {
		t.Errorf("after 3 bytes come %v", got)
	}
}

// A stream of the real engine is read along in whatever pieces it comes; a token
// that was held back counts.
func TestRecorderReadsAlong(t *testing.T) {
	stream := `data: {"choices":[{"delta":{"role":"assistant","content":null}}]}

data: {"choices":[{"delta":{"content":"Hi"}}],"timings":{"predicted_n":1}}

data: {"choices":[{"delta":{"content":"🚀"}}],"timings":{"predicted_n":3}}

data: {"choices":[],"usage":{"completion_tokens":4,"prompt_tokens":9}}

data: [DONE]

`
	for size := 1; size < 40; size += 7 {
		c := &call{}
		r := &reading{call: c}
		for part := range slices.Chunk([]byte(stream), size) {
			r.take(part)
		}
		if !slices.Equal(c.sizes, []int{2, 0, 4}) || c.Sent != 4 || c.Prompt != 9 || c.State != enginetest.Finished {
			t.Errorf("in pieces of %d: %+v", size, c)
		}
	}
}

func TestFlags(t *testing.T) {
	for line, want := range map[string]settings{
		"-prompts=300":           {prompts: 300, users: 15, every: 3 * time.Second},
		"-prompts=30 -every=-1s": {prompts: 30, users: 10, every: -time.Second},
		"-engine=real":           {prompts: 10_000, users: 500, every: 8 * time.Second, real: true},
	} {
		got, err := parse(strings.Fields(line))
		if err != nil || got.prompts != want.prompts || got.users != want.users || got.every != want.every || got.real != want.real || got.seed == 0 {
			t.Errorf("%s: %+v, %v", line, got, err)
		}
	}
	for _, line := range []string{"-prompts=0", "-engine=other", "-no"} {
		if _, err := parse([]string{line}); err == nil {
			t.Errorf("%s passes", line)
		}
	}
}
