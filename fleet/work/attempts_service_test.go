//go:build service

package work_test

import (
	"testing"
	"time"

	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/shared/chat"
	"parley/shared/quota"
)

// until polls for what has to become true soon.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

// row reads a reply's row.
func row(t *testing.T, s *fleettest.Stack, ref chat.Ref) chat.Message {
	t.Helper()
	m, err := s.Chats.Message(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// used returns how many messages count against the user's quota.
func used(t *testing.T, s *fleettest.Stack, ref chat.Ref) int {
	t.Helper()
	n, err := s.Chats.Used(t.Context(), ref.User, quota.Hour(row(t, s, ref).CreatedAt))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A prompt whose workers are replaced one after the other is nobody's fault: each
// hands back, and the twenty-first answers to the end what the others began.
func TestHandingBackIsNoFailure(t *testing.T) {
	e := enginetest.New(t)
	e.Words, e.Pace = 60, 10*time.Millisecond
	s := fleettest.New(t)
	ref := s.Ask("", "Why?")
	p := s.Parts(e.URL)
	p.Grace = time.Millisecond
	for i := range 20 {
		stop := s.Work(p)
		until(t, "the engine is asked", func() bool { return len(e.Requests()) > i })
		stop()
		if m := row(t, s, ref); m.Attempt != i+1 || m.HandedBack != i+1 || m.Status != chat.Running {
			t.Fatalf("after worker %d: %s, attempt %d, handed back %d", i+1, m.Status, m.Attempt, m.HandedBack)
		}
	}
	s.Work(s.Parts(e.URL))
	until(t, "the reply ends", func() bool { return row(t, s, ref).Status.Ended() })
	m := row(t, s, ref)
	if m.Status != chat.Done || m.Text != enginetest.Answer("Why?", 60) || m.Attempt != 21 {
		t.Errorf("%s after %d attempts: %q", m.Status, m.Attempt, m.Text)
	}
}

// A prompt at which three workers died fails instead of killing a fourth; its
// quota comes back once, however often the queue delivers it.
func TestAPoisonedPromptFails(t *testing.T) {
	e := enginetest.New(t)
	s := fleettest.New(t)
	ref := s.Ask("", "Why?")
	if n := used(t, s, ref); n != 1 {
		t.Fatalf("a question counts %d", n)
	}
	var prompt chat.Prompt
	for range 3 { // a claim and then nothing is what a dead worker leaves
		got, err := s.Queues[quota.Free].Receive(t.Context(), 1, 0)
		if err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		if _, err := s.Chats.Claim(t.Context(), got[0].Prompt); err != nil {
			t.Fatal(err)
		}
		prompt = got[0].Prompt
		s.Queues[quota.Free].Show()
	}
	s.Work(s.Parts(e.URL))
	until(t, "the reply ends", func() bool { return row(t, s, ref).Status.Ended() })
	m := row(t, s, ref)
	if m.Status != chat.Failed || m.Failure == nil || *m.Failure != chat.EngineFailed || len(e.Requests()) > 0 {
		t.Errorf("%s %+v, %d requests", m.Status, m.Failure, len(e.Requests()))
	}
	for range 3 { // SQS delivers it again
		if err := s.Queues[quota.Free].Send(t.Context(), prompt); err != nil {
			t.Fatal(err)
		}
		until(t, "the queue is empty", func() bool { return s.Queues[quota.Free].Len() == 0 })
	}
	if n := used(t, s, ref); n != 0 {
		t.Errorf("%d messages count after the failure", n)
	}
}

// An engine that is killed again and again takes no answer with it that comes
// forward each time; one that dies of a prompt, always at the same place, does.
func TestAnEngineThatKeepsDying(t *testing.T) {
	for after, want := range map[int]chat.Status{5: chat.Done, 0: chat.Failed} {
		e := enginetest.New(t)
		e.Words, e.DieAfter, e.Deaths, e.Away = 40, after, 6, 300*time.Millisecond
		s := fleettest.New(t)
		s.Work(s.Parts(e.URL))
		ref := s.Ask("", "Why?")
		until(t, "the reply ends", func() bool { return row(t, s, ref).Status.Ended() })
		m := row(t, s, ref)
		if m.Status != want || want == chat.Done && m.Text != enginetest.Answer("Why?", 40) {
			t.Errorf("dying after %d words: %s %q, %+v", after, m.Status, m.Text, m.Failure)
		}
		if n := len(e.Requests()); want == chat.Failed && n != 3 {
			t.Errorf("the engine died %d times of one prompt", n)
		}
	}
}
