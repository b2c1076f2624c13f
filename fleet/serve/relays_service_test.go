//go:build service

package serve_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
)

// Two relays, and the one that a client reads from is killed again and again at a
// random event. The client goes on at the other by the last id it has: nothing is
// lost and nothing repeated, for an answer that is being written and for its rest
// out of the table.
func TestRelaysAreKilled(t *testing.T) {
	s, e := small(t, 60*time.Millisecond)
	e.Words = 80
	relays := []*fleettest.Relay{s.StartRelay(), s.StartRelay()}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	s.Work(s.Parts(e.URL))
	ref := s.Ask("", "Why?")
	shown, after, kills, over := "", "", 0, false
	for i := 0; !over; i++ {
		relay := relays[i%2]
		s.URL = relay.URL
		die := 1 + random.IntN(8)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		events := s.Stream(ctx, ref, after, func(ev fleettest.Event) {
			after, over = ev.ID, ev.Name == "done"
			if die--; die == 0 && kills < 8 && !over {
				kills++
				relay.Kill()
			}
		})
		cancel()
		var resets int
		if shown, resets = fleettest.Text(shown, events); resets > 0 {
			t.Fatal("reset")
		}
		if i > 100 {
			t.Fatal("the stream doesn't end")
		}
		if kills > 0 && !over {
			relay.Start()
		}
	}
	m := ended(t, s, ref)
	if want := enginetest.Answer("Why?", 80); m.Text != want || shown != want {
		t.Errorf("after %d kills stored %q, shown %q, want %q", kills, m.Text, shown, want)
	}
	if kills < 3 || m.Attempt != 1 {
		t.Errorf("%d kills, %d attempts", kills, m.Attempt)
	}
}
