//go:build service

package serve_test

import (
	"sync"
	"testing"
	"time"

	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/fleet/valkey"
)

// When the frames are gone with Valkey, the next attempt starts over and clients
// are told to clear what they show.
func TestFramesAreLostBetweenWorkers(t *testing.T) {
	s, e := small(t, 30*time.Millisecond)
	p := s.Parts(e.URL)
	p.Grace = 50 * time.Millisecond
	stop := s.Work(p)
	ref := s.Ask("", "Why?")
	var once sync.Once
	events := s.Stream(t.Context(), ref, "", func(ev fleettest.Event) {
		if ev.Name == "delta" {
			once.Do(func() {
				go func() { stop(); s.Valkey.Del(t.Context(), valkey.Frames(ref)); s.Work(s.Parts(e.URL)) }()
			})
		}
	})
	same(t, ended(t, s, ref), events, enginetest.Answer("Why?", 40))
	if _, resets := fleettest.Text("", events); resets != 1 {
		t.Errorf("%d resets", resets)
	}
}

// Without any Valkey the reply is written and stored, and a stream ends with it.
func TestWithoutValkey(t *testing.T) {
	t.Setenv("VALKEY_ADDR", "127.0.0.1:1")
	s, e := small(t, 5*time.Millisecond)
	s.Relay.Away, s.Relay.Look = 100*time.Millisecond, 200*time.Millisecond
	s.Work(s.Parts(e.URL))
	ref := s.Ask("", "Why?")
	events := s.Stream(t.Context(), ref, "", nil)
	same(t, ended(t, s, ref), events, enginetest.Answer("Why?", 40))
}

// The relay's one pub/sub connection breaks while a reply is streamed.
func TestSubscriptionIsLost(t *testing.T) {
	s, e := small(t, 20*time.Millisecond)
	s.Work(s.Parts(e.URL))
	ref := s.Ask("", "Why?")
	var once sync.Once
	began := time.Now()
	events := s.Stream(t.Context(), ref, "", func(ev fleettest.Event) {
		if ev.Name == "delta" {
			once.Do(func() {
				if err := s.Valkey.ClientKillByFilter(t.Context(), "TYPE", "pubsub").Err(); err != nil {
					t.Error(err)
				}
			})
		}
	})
	same(t, ended(t, s, ref), events, enginetest.Answer("Why?", 40))
	if _, resets := fleettest.Text("", events); resets > 0 || time.Since(began) > 4*time.Second {
		t.Errorf("%d resets, took %s", resets, time.Since(began))
	}
}
