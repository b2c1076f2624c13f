package plan

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/fleet/enginetest"
)

// A seed leads to the same plan, in whatever order it is asked for.
func TestSeedDecidesEverything(t *testing.T) {
	a, b, other := Plan{Seed: 7, Users: 10}, Plan{Seed: 7, Users: 10}, Plan{Seed: 8, Users: 10}
	same := 0
	for n := range 200 {
		p := a.Prompt(n)
		_ = b.Kill(n, time.Second)
		if diff := cmp.Diff(p, b.Prompt(n)); diff != "" {
			t.Fatal(diff)
		}
		if cmp.Equal(p, other.Prompt(n)) {
			same++
		}
	}
	if same > 20 {
		t.Errorf("another seed leads to %d of 200 prompts that are the same", same)
	}
}

// Everything that a run is to show is in a plan of 300 prompts and 30 kills.
func TestPlanHasEverything(t *testing.T) {
	p := Plan{Seed: 1, Users: 50}
	got := map[string]int{}
	note := func(name string, there bool) {
		if there {
			got[name]++
		}
	}
	for n := range 300 {
		q := p.Prompt(n)
		note("poison", q.Poison)
		note("fault", len(q.Orders) > 1 && !q.Poison)
		note("function", q.Function)
		note("resend", q.Resends > 0)
		note("delivered twice", len(q.Twice) > 0)
		note("cancel", q.Cancel > 0)
		note("follows", q.Follow)
		note("waits", slices.ContainsFunc(q.Readers, func(r Reader) bool { return r.Wait }))
		note("drops", slices.ContainsFunc(q.Readers, func(r Reader) bool { return r.Drops > 0 }))
		note("two readers", len(q.Readers) == 2)
	}
	for n := range 30 {
		got[string(p.Kill(n, time.Second).Part)]++
	}
	for _, name := range []string{"poison", "fault", "function", "resend", "delivered twice", "cancel", "follows", "waits", "drops", "two readers",
		string(Worker), string(Relay), string(Engine), string(Valkey)} {
		if got[name] == 0 {
			t.Errorf("there is no %s: %v", name, got)
		}
	}
}

// The engine understands what a question orders.
func TestQuestionsOrderTheirWords(t *testing.T) {
	p := Plan{Seed: 1, Users: 5}
	for n := range 50 {
		q := p.Prompt(n)
		if got := enginetest.Prose(p.Question(q), q.Words); len(got) != q.Words || got[0] != q.Name() {
			t.Errorf("prompt %d: %q", n, got)
		}
	}
}
