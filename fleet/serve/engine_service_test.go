//go:build service

package serve_test

import (
	"testing"
	"time"

	"parley/fleet/enginetest"
	"parley/shared/chat"
)

// An engine that breaks off, or is away for a while, changes nothing of the text.
func TestEngineDiesInTheMiddle(t *testing.T) {
	s, e := small(t, 10*time.Millisecond)
	e.DieAfter, e.Deaths = 7, 2
	s.Work(s.Parts(e.URL))
	ref := s.Ask("", "Why?")
	events := s.Stream(t.Context(), ref, "", nil)
	m := ended(t, s, ref)
	same(t, m, events, enginetest.Answer("Why?", 40))
	if n := m.Usage.CompletionTokens; n < 40 || n > 42 { // white space at a seam is written, and counted, twice
		t.Errorf("usage %+v", m.Usage)
	}
}

func TestEngineIsDownAtFirst(t *testing.T) {
	s, e := small(t, 0)
	e.Down = true
	s.Work(s.Parts(e.URL))
	ref := s.Ask("", "Why?")
	time.Sleep(time.Second)
	if m, _ := s.Chats.Message(t.Context(), ref); m.Status != chat.Queued || m.Attempt != 0 {
		t.Errorf("while the engine is down: %s, attempt %d", m.Status, m.Attempt)
	}
	e.Change(func(e *enginetest.Engine) { e.Down = false })
	same(t, ended(t, s, ref), s.Stream(t.Context(), ref, "", nil), enginetest.Answer("Why?", 40))
}

func TestPromptThatKillsEveryEngineFails(t *testing.T) {
	s, e := small(t, 0)
	e.DieAfter, e.Deaths = 2, 1000
	s.Work(s.Parts(e.URL))
	ref := s.Ask("", "Why?")
	events := s.Stream(t.Context(), ref, "", nil)
	m := ended(t, s, ref)
	if m.Status != chat.Failed || m.Failure == nil || m.Failure.Code != "engine_failed" || events[len(events)-1].Name != "error" {
		t.Errorf("%s %+v, last event %s", m.Status, m.Failure, events[len(events)-1].Name)
	}
}
