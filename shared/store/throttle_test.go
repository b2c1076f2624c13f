//go:build service

package store_test

import (
	"sync"
	"testing"
	"time"

	"parley/shared/account"
	"parley/shared/store"
)

func tryAt(t *testing.T, a *store.Accounts, at time.Time, b ...account.Bucket) time.Duration {
	t.Helper()
	wait, err := a.Take(t.Context(), at, b...)
	if err != nil {
		t.Fatal(err)
	}
	return wait
}

func TestBucketShutsForLongerAndLonger(t *testing.T) {
	a := openAccounts(t)
	b := account.Bucket{Name: "b", Limit: account.Limit{Free: 3, Window: time.Hour, Max: 4 * time.Second}}
	at := start
	for range 4 { // the free ones, and the first that shuts the bucket behind it
		if wait := tryAt(t, a, at, b); wait != 0 {
			t.Fatalf("a free try waits %v", wait)
		}
	}
	for _, want := range []time.Duration{1, 2, 4, 4, 4} {
		want *= time.Second
		if wait := tryAt(t, a, at, b); wait != want {
			t.Errorf("waits %v, want %v", wait, want)
		}
		at = at.Add(want)
		if wait := tryAt(t, a, at, b); wait != 0 {
			t.Errorf("after its wait: %v more", wait)
		}
	}
	if wait := tryAt(t, a, start.Add(time.Hour), b); wait != 0 {
		t.Errorf("in the next window: %v", wait)
	}
}

func TestParallelTriesDontPassTheLimit(t *testing.T) {
	a := openAccounts(t)
	b := account.Bucket{Name: "b", Limit: account.Limit{Free: 5, Window: time.Hour, Max: time.Minute}}
	var wg sync.WaitGroup
	passed := make(chan struct{}, 64)
	for range cap(passed) {
		wg.Go(func() {
			if wait, err := a.Take(t.Context(), start, b); err != nil {
				t.Error(err)
			} else if wait == 0 {
				passed <- struct{}{}
			}
		})
	}
	wg.Wait()
	if len(passed) > 6 {
		t.Errorf("%d of parallel tries passed a limit of 5 and one more", len(passed))
	}
}

func TestRefusedAndRightTriesAreGivenBack(t *testing.T) {
	a := openAccounts(t)
	limit := account.Limit{Free: 1, Window: time.Hour, Max: time.Minute}
	wide, narrow := account.Bucket{Name: "wide", Limit: account.Limit{Free: 3, Window: time.Hour, Max: time.Minute}}, account.Bucket{Name: "narrow", Limit: limit}
	for i := range 2 {
		if wait := tryAt(t, a, start, wide, narrow); wait != 0 {
			t.Fatalf("try %d waits %v", i, wait)
		}
	}
	for range 10 {
		if wait := tryAt(t, a, start, wide, narrow); wait != time.Second {
			t.Fatalf("the narrow bucket waits %v", wait)
		}
	}
	if wait := tryAt(t, a, start, wide); wait != 0 {
		t.Errorf("tries refused by one bucket were counted in another: %v", wait)
	}
	for range 20 {
		at := start.Add(2 * time.Hour)
		if wait := tryAt(t, a, at, narrow); wait != 0 {
			t.Fatalf("right tries add up: %v", wait)
		}
		if err := a.GiveBack(t.Context(), at, narrow); err != nil {
			t.Fatal(err)
		}
	}
}
