//go:build service

package serve_test

import (
	"encoding/json"
	"testing"
	"time"

	"parley/fleet/fleettest"
	"parley/shared/chat"
)

// The whole fleet with a real engine: a question is answered, and whoever comes
// back with any event's id reads on to the same text.
func TestStreamOfARealEngine(t *testing.T) {
	s := fleettest.New(t)
	s.Work(s.Parts(fleettest.Env(t, "ENGINE_URL")))
	asked := time.Now()
	ref := s.Ask("", "What is the capital of France? Tell me three facts about it.")
	events := s.Stream(t.Context(), ref, "", nil)
	text, _ := fleettest.Text("", events)
	for _, e := range events {
		if e.Name == "delta" {
			t.Logf("first text after %s; %d events, %d bytes", e.At.Sub(asked), len(events), len(text))
			break
		}
	}
	m, err := s.Chats.Message(t.Context(), ref)
	if err != nil || m.Status != chat.Done || m.Text != text || text == "" {
		t.Fatalf("stored %q (%s, %v), streamed %q", m.Text, m.Status, err, text)
	}
	if m.Usage.PromptTokens == 0 || m.Usage.CompletionTokens == 0 {
		t.Errorf("usage %+v", m.Usage)
	}
	for i, e := range events[:len(events)-1] {
		shown, _ := fleettest.Text("", events[:i+1])
		rest := s.Stream(t.Context(), ref, e.ID, nil)
		if again, resets := fleettest.Text(shown, rest); again != text || resets > 0 {
			t.Fatalf("resumed after %s: %q (%d resets), want %q", e.ID, again, resets, text)
		}
	}
	if got := events[len(events)-1].Name; got != "done" {
		t.Errorf("last event %s", got)
	}
}

func decodeMessage(t *testing.T, s *fleettest.Stack, method, path string) chat.Message {
	t.Helper()
	resp := s.Get(t.Context(), method, path, s.Token)
	defer resp.Body.Close()
	var m chat.Message
	if err := json.NewDecoder(resp.Body).Decode(&m); err != nil || resp.StatusCode != 200 {
		t.Fatalf("%s %s: status %d, %v", method, path, resp.StatusCode, err)
	}
	return m
}
