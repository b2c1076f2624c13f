//go:build service

package serve_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/fleet/valkey"
	"parley/shared/chat"
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

// Valkey is killed in the middle of an answer and comes back with nothing, or not
// before the answer's end. The answer goes on, wait reads it, and the client's
// stream ends with the text that is stored.
func TestValkeyIsKilled(t *testing.T) {
	for name, back := range map[string]time.Duration{"back at once": 0, "back soon": 600 * time.Millisecond, "away for good": -1} {
		t.Run(name, func(t *testing.T) {
			server := fleettest.StartValkey(t)
			t.Setenv("VALKEY_ADDR", server.Addr)
			s, e := small(t, 60*time.Millisecond)
			s.Relay.Away, s.Relay.Look = 100*time.Millisecond, 200*time.Millisecond
			s.Work(s.Parts(e.URL))
			ref := s.Ask("", "Why?")
			killed, restarted := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(restarted)
				<-killed
				server.Kill()
				if back >= 0 {
					time.Sleep(back)
					server.Start()
				}
			}()
			deltas := 0
			events := s.Stream(t.Context(), ref, "", func(ev fleettest.Event) {
				if ev.Name == "delta" {
					if deltas++; deltas == 5 {
						close(killed)
					}
				}
			})
			<-restarted
			want := enginetest.Answer("Why?", 40)
			if m := decodeMessage(t, s, "GET", fleettest.Path(ref, "wait")); m.Text != want || m.Status != chat.Done {
				t.Errorf("wait reads %s %q", m.Status, m.Text)
			}
			same(t, ended(t, s, ref), events, want)
			if _, resets := fleettest.Text("", events); resets > 1 || events[len(events)-1].Name != "done" {
				t.Errorf("%d resets, last event %s", resets, events[len(events)-1].Name)
			}
			if m, _ := s.Chats.Message(t.Context(), ref); m.Attempt != 1 {
				t.Errorf("%d attempts", m.Attempt)
			}
		})
	}
}

// A client that comes back after Valkey came back empty reads on while the answer is
// being written: the worker has told the text again.
func TestTextIsToldAgain(t *testing.T) {
	server := fleettest.StartValkey(t)
	t.Setenv("VALKEY_ADDR", server.Addr)
	s, e := small(t, 100*time.Millisecond)
	s.Relay.Look = 200 * time.Millisecond
	s.Work(s.Parts(e.URL))
	ref := s.Ask("", "Why?")
	ctx, cancel := context.WithCancel(t.Context())
	deltas, after := 0, ""
	first := s.Stream(ctx, ref, "", func(ev fleettest.Event) {
		after = ev.ID
		if deltas++; deltas == 5 {
			cancel()
		}
	})
	shown, _ := fleettest.Text("", first)
	server.Kill()
	server.Start()
	rest := s.Stream(t.Context(), ref, after, nil)
	text, resets := fleettest.Text(shown, rest)
	if want := enginetest.Answer("Why?", 40); text != want || resets > 0 {
		t.Errorf("%d resets, %q", resets, text)
	}
	if len(rest) < 8 {
		t.Errorf("the rest came in %d events, not while it was written", len(rest))
	}
}
