//go:build service

package serve_test

import (
	"testing"
	"time"

	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/shared/chat"
)

// small starts a stack with an engine whose answers are known.
func small(t *testing.T, pace time.Duration) (*fleettest.Stack, *enginetest.Engine) {
	t.Helper()
	e := enginetest.New(t)
	e.Pace, e.Words = pace, 40
	return fleettest.New(t), e
}

// ended waits for a reply's end in the table.
func ended(t *testing.T, s *fleettest.Stack, ref chat.Ref) chat.Message {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if m, err := s.Chats.Message(t.Context(), ref); err == nil && m.Status.Ended() {
			return m
		}
	}
	t.Fatal("the reply doesn't end")
	return chat.Message{}
}

func same(t *testing.T, m chat.Message, events []fleettest.Event, want string) {
	t.Helper()
	shown, _ := fleettest.Text("", events)
	if m.Status != chat.Done || m.Text != want || shown != want {
		t.Errorf("%s: stored %q, shown %q, want %q", m.Status, m.Text, shown, want)
	}
}
