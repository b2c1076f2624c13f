//go:build service

package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"parley/shared/account"
)

func TestRotateGoesFromTokenToToken(t *testing.T) {
	a := openAccounts(t)
	m := create(t, a, start, "ada@example.com", "+12025550123")
	s := m.Session
	for i, old := range []string{"first", "second", "third"} {
		s.Hash = fmt.Appendf(nil, "%s", []string{"second", "third", "fourth"}[i])
		if _, err := a.Rotate(t.Context(), s, []byte(old), start); err != nil {
			t.Fatal(err)
		}
	}
	s.Hash = []byte("fifth")
	if _, err := a.Rotate(t.Context(), s, []byte("second"), start); !errors.Is(err, account.ErrReused) {
		t.Errorf("an old token: %v", err)
	}
	if _, err := a.Rotate(t.Context(), s, []byte("fourth"), start); !errors.Is(err, account.ErrNoSession) {
		t.Errorf("the current token after a re-use: %v", err)
	}
}

// The SDK repeats a call whose answer was lost. That is no re-use.
func TestRepeatedRotationIsNoReuse(t *testing.T) {
	a := openAccounts(t)
	s := create(t, a, start, "ada@example.com", "+12025550123").Session
	s.Hash = []byte("second")
	for range 2 {
		if _, err := a.Rotate(t.Context(), s, []byte("first"), start); err != nil {
			t.Fatal(err)
		}
	}
}

func TestParallelRefreshesHaveOneWinner(t *testing.T) {
	a := openAccounts(t)
	m := create(t, a, start, "ada@example.com", "+12025550123")
	var wg sync.WaitGroup
	won := make(chan struct{}, 16)
	for i := range cap(won) {
		wg.Go(func() {
			s := m.Session
			s.Hash = fmt.Appendf(nil, "next %d", i)
			_, err := a.Rotate(t.Context(), s, []byte("first"), start)
			if err == nil {
				won <- struct{}{}
			} else if !errors.Is(err, account.ErrReused) && !errors.Is(err, account.ErrNoSession) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Errorf("%d refreshes won", len(won))
	}
}

func TestSessionsEnd(t *testing.T) {
	a := openAccounts(t)
	m := create(t, a, start, "ada@example.com", "+12025550123")
	late := m.Session.Expires
	m.Session.Hash = []byte("second")
	if _, err := a.Rotate(t.Context(), m.Session, []byte("first"), late); !errors.Is(err, account.ErrNoSession) {
		t.Errorf("a session at its end: %v", err)
	}
	if _, err := a.Rotate(t.Context(), m.Session, []byte("first"), late.Add(-time.Second)); err != nil {
		t.Errorf("a session before its end: %v", err)
	}
	for range 2 {
		if err := a.End(t.Context(), m.User.ID, m.Session.Family); err != nil {
			t.Error(err)
		}
	}
	if _, err := a.Rotate(t.Context(), m.Session, []byte("first"), start); !errors.Is(err, account.ErrNoSession) {
		t.Errorf("an ended session: %v", err)
	}
}
