//go:build service

package store_test

import (
	"testing"
	"time"

	"parley/shared/chat"
	"parley/shared/quota"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

// Reports of a plan's workers add up for a minute; the norm is kept beside them and
// isn't one of them.
func TestPacesAddUpForAMinute(t *testing.T) {
	db, _, table := storetest.Tables(t)
	c := store.NewChats(db, nil, table, "")
	now := time.Now().Truncate(time.Second)
	report := func(plan quota.Plan, worker string, p chat.Pace, at time.Time) {
		t.Helper()
		if err := c.Report(t.Context(), plan, worker, p, at); err != nil {
			t.Fatal(err)
		}
	}
	report(quota.Free, "a", chat.Pace{Tokens: 100, Each: 300, Slots: 4}, now.Add(-50*time.Second))
	report(quota.Free, "b", chat.Pace{Tokens: 200, Each: 600, Slots: 8}, now)
	report(quota.Free, "dead", chat.Pace{Tokens: 999, Each: 9, Slots: 9}, now.Add(-70*time.Second))
	report(quota.Premium, "a", chat.Pace{Tokens: 7, Each: 7, Slots: 7}, now)
	norm := chat.Pace{Tokens: 50, Each: 20, Slots: 2}
	if err := c.SetNorm(t.Context(), quota.Free, norm); err != nil {
		t.Fatal(err)
	}
	sum, workers, err := c.Pace(t.Context(), quota.Free, now)
	if want := (chat.Pace{Tokens: 300, Each: 500, Slots: 12}); err != nil || workers != 2 || sum != want {
		t.Errorf("%+v of %d workers, %v; want %+v of 2", sum, workers, err, want)
	}
	if got, err := c.Norm(t.Context(), quota.Free); err != nil || got != norm {
		t.Errorf("norm %+v, %v", got, err)
	}
	if got, err := c.Norm(t.Context(), quota.Premium); err != nil || got != (chat.Pace{}) {
		t.Errorf("norm of a plan without one: %+v, %v", got, err)
	}
}
