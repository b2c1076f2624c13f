//go:build service

package serve_test

import (
	"sync"
	"testing"
	"time"

	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/shared/quota"
)

// A worker that ends hands its prompt back; the next one goes on from the frames.
func TestWorkerIsReplaced(t *testing.T) {
	s, e := small(t, 30*time.Millisecond)
	p := s.Parts(e.URL)
	p.Grace = 50 * time.Millisecond
	stop := s.Work(p)
	ref := s.Ask("", "Why?")
	var once sync.Once
	events := s.Stream(t.Context(), ref, "", func(ev fleettest.Event) {
		if ev.Name == "delta" {
			once.Do(func() { go func() { stop(); s.Work(s.Parts(e.URL)) }() })
		}
	})
	m := ended(t, s, ref)
	same(t, m, events, enginetest.Answer("Why?", 40))
	if _, resets := fleettest.Text("", events); resets > 0 || m.Attempt < 2 {
		t.Errorf("%d resets, attempt %d", resets, m.Attempt)
	}
}

func TestSecondDeliveryIsLeftAlone(t *testing.T) {
	s, e := small(t, 30*time.Millisecond)
	s.Work(s.Parts(e.URL))
	ref := s.Ask("", "Why?")
	events := s.Stream(t.Context(), ref, "", func(ev fleettest.Event) {
		if ev.Name == "delta" {
			s.Queues[quota.Free].Show()
		}
	})
	m := ended(t, s, ref)
	same(t, m, events, enginetest.Answer("Why?", 40))
	if m.Attempt != 1 || len(e.Requests()) != 1 {
		t.Errorf("attempt %d, %d requests", m.Attempt, len(e.Requests()))
	}
}

func TestSecondQuestionHasTheFirst(t *testing.T) {
	s, e := small(t, 0)
	s.Work(s.Parts(e.URL))
	first := s.Ask("", "Why?")
	ended(t, s, first)
	second := s.Ask(first.Chat, "Really?")
	ended(t, s, second)
	requests := e.Requests()
	got := requests[len(requests)-1].Messages
	if len(got) != 3 || got[0].Content != "Why?" || got[1].Content != enginetest.Answer("Why?", 40) || got[2].Content != "Really?" {
		t.Errorf("the engine got %+v", got)
	}
}
