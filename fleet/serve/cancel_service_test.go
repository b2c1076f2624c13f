//go:build service

package serve_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/fleet/frame"
	"parley/fleet/valkey"
	"parley/shared/chat"
	"parley/shared/quota"
)

// Stop frees the engine's slot, and the text so far is kept.
func TestCancelFreesTheSlot(t *testing.T) {
	s := fleettest.New(t)
	url := fleettest.Engine(t)
	p := s.Parts(url)
	p.Slots, p.Context, p.MaxTokens = 2, 1024, 1000
	s.Work(p)
	ref := s.Ask("", "Count from 1 to 500, one number after the other.")
	var m chat.Message
	var took time.Duration
	freed := make(chan time.Duration, 1)
	var once sync.Once
	events := s.Stream(t.Context(), ref, "", func(ev fleettest.Event) {
		if ev.Name != "delta" {
			return
		}
		once.Do(func() {
			began := time.Now()
			go func() {
				for fleettest.Busy(t, url) > 0 {
					time.Sleep(2 * time.Millisecond)
				}
				freed <- time.Since(began)
			}()
			m = decodeMessage(t, s, "POST", fleettest.Path(ref, "cancel"))
			took = time.Since(began)
		})
	})
	shown, _ := fleettest.Text("", events)
	if m.Status != chat.Cancelled || m.Text != shown || shown == "" || m.Usage == nil || m.Usage.CompletionTokens == 0 || m.Finish != "cancelled" {
		t.Errorf("%s %q (%+v), shown %q", m.Status, m.Text, m.Usage, shown)
	}
	after := <-freed
	t.Logf("slot free after %s, cancel answered after %s", after, took)
	if after > 500*time.Millisecond {
		t.Errorf("the slot was free after %s", after)
	}
	if again := decodeMessage(t, s, "POST", fleettest.Path(ref, "cancel")); again.Text != m.Text || again.Status != chat.Cancelled {
		t.Errorf("again: %s %q", again.Status, again.Text)
	}
}

func TestCancelOfAQueuedReply(t *testing.T) {
	s, e := small(t, 0)
	ref := s.Ask("", "Why?")
	begun, over := make(chan struct{}), make(chan []fleettest.Event, 1)
	go func() {
		over <- s.Stream(t.Context(), ref, "", func(ev fleettest.Event) {
			if ev.Name == "status" {
				close(begun)
			}
		})
	}()
	<-begun
	decodeMessage(t, s, "POST", fleettest.Path(ref, "cancel"))
	events := <-over
	if last := events[len(events)-1]; last.Name != "done" || last.Data["finish_reason"] != "cancelled" {
		t.Errorf("last event %+v", last)
	}
	s.Work(s.Parts(e.URL))
	for end := time.Now().Add(5 * time.Second); s.Queues[quota.Free].Len() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the prompt of a cancelled reply stays")
		}
	}
	if len(e.Requests()) > 0 {
		t.Error("a cancelled reply was written")
	}
}

// Nobody writes the reply at the moment: the relay ends it itself.
func TestCancelWithoutAWorker(t *testing.T) {
	s, e := small(t, 30*time.Millisecond)
	s.Relay.Stop = 300 * time.Millisecond
	p := s.Parts(e.URL)
	p.Grace = 50 * time.Millisecond
	stop := s.Work(p)
	ref := s.Ask("", "Why?")
	time.Sleep(500 * time.Millisecond)
	stop()
	m := decodeMessage(t, s, "POST", fleettest.Path(ref, "cancel"))
	shown, _ := fleettest.Text("", s.Stream(t.Context(), ref, "", nil))
	if m.Status != chat.Cancelled || m.Text == "" || m.Text != shown || !strings.HasPrefix(enginetest.Answer("Why?", 40), m.Text) {
		t.Errorf("%s %q, shown %q", m.Status, m.Text, shown)
	}
}

// take claims the reply that was asked for, as a worker does.
func take(t *testing.T, s *fleettest.Stack) chat.Message {
	t.Helper()
	got, err := s.Queues[quota.Free].Receive(t.Context(), 1, 0)
	if err != nil || len(got) != 1 {
		t.Fatalf("%d prompts, %v", len(got), err)
	}
	m, err := s.Chats.Claim(t.Context(), got[0].Prompt)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A worker hangs. What was shown by then is what is stored, and the worker can
// show no more.
func TestCancelSealsTheReply(t *testing.T) {
	s, _ := small(t, 0)
	s.Relay.Stop = 50 * time.Millisecond
	ref := s.Ask("", "Why?")
	m := take(t, s)
	log := frame.NewLog(s.Valkey)
	if _, err := log.Begin(t.Context(), ref, m.Attempt); err != nil {
		t.Fatal(err)
	}
	var writing sync.WaitGroup
	shown := 0 // frames
	writing.Go(func() {
		for seq := int64(2); ; seq++ {
			err := log.Append(t.Context(), ref, frame.Frame{Attempt: m.Attempt, Seq: seq, Start: 4 * shown, Text: "word"})
			if errors.Is(err, chat.ErrStale) {
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			shown++
		}
	})
	streamed := make(chan []fleettest.Event, 1)
	go func() { streamed <- s.Stream(t.Context(), ref, "", nil) }()
	got := decodeMessage(t, s, "POST", fleettest.Path(ref, "cancel"))
	writing.Wait()
	text, resets := fleettest.Text("", <-streamed)
	if got.Status != chat.Cancelled || got.Text != strings.Repeat("word", shown) || text != got.Text || resets > 0 || shown == 0 {
		t.Errorf("%s: %d bytes stored, %d shown, %d published, %d resets", got.Status, len(got.Text), len(text), 4*shown, resets)
	}
}

// Frames are gone with Valkey, and there is no worker that knows the text: less
// than what was shown is not stored as if it were all. The wish stays, and the next
// worker carries it out.
func TestCancelAfterFramesWereLost(t *testing.T) {
	for name, again := range map[string]bool{"nothing is left": false, "the beginning is missing": true} {
		t.Run(name, func(t *testing.T) {
			s, e := small(t, 0)
			s.Relay.Stop = 50 * time.Millisecond
			ref := s.Ask("", "Why?")
			m := take(t, s)
			log := frame.NewLog(s.Valkey)
			if _, err := log.Begin(t.Context(), ref, m.Attempt); err != nil {
				t.Fatal(err)
			}
			if err := log.Append(t.Context(), ref, frame.Frame{Attempt: m.Attempt, Seq: 2, Text: "shown "}); err != nil {
				t.Fatal(err)
			}
			s.Valkey.Del(t.Context(), valkey.Frames(ref))
			if again {
				err := log.Append(t.Context(), ref, frame.Frame{Attempt: m.Attempt, Seq: 3, Start: 6, Text: "more"})
				if !errors.Is(err, frame.ErrLost) {
					t.Fatalf("the writer isn't told: %v", err)
				}
			}
			resp := s.Get(t.Context(), "POST", fleettest.Path(ref, "cancel"), s.Token)
			resp.Body.Close()
			if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
				t.Errorf("status %d", resp.StatusCode)
			}
			if m, err := s.Chats.Message(t.Context(), ref); err != nil || m.Status != chat.Running {
				t.Fatalf("%s, %v", m.Status, err)
			}
			e.Change(func(e *enginetest.Engine) { e.Pace = time.Second })
			s.Queues[quota.Free].Show()
			s.Work(s.Parts(e.URL))
			if m := ended(t, s, ref); m.Status != chat.Cancelled || !strings.HasPrefix(enginetest.Answer("Why?", 40), m.Text) {
				t.Errorf("%s %q", m.Status, m.Text)
			}
		})
	}
}
