//go:build service

package store_test

import (
	"errors"
	"fmt"
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
	sum, workers, err := c.Crew(t.Context(), quota.Free, now)
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

// Tables of several regions are one, but nobody's prompts reach another region's workers.
func TestEachRegionHasItsOwnWorkers(t *testing.T) {
	db, _, table := storetest.Tables(t)
	now := time.Now().Truncate(time.Second)
	paces := map[string]chat.Pace{"": {Tokens: 1, Each: 2, Slots: 3}, "here": {Tokens: 10, Each: 20, Slots: 30}, "there": {Tokens: 100, Each: 200, Slots: 300}}
	for name, one := range paces {
		c := store.NewChats(db, nil, table, "").InRegion(name)
		err := c.Report(t.Context(), quota.Free, "w", one, now)
		if err == nil {
			err = c.SetTotal(t.Context(), quota.Free, one, now)
		}
		if err == nil {
			err = c.SetNorm(t.Context(), quota.Free, one)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range paces {
		c := store.NewChats(db, nil, table, "").InRegion(name)
		sum, workers, err := c.Crew(t.Context(), quota.Free, now)
		total, err2 := c.Pace(t.Context(), quota.Free, now)
		norm, err3 := c.Norm(t.Context(), quota.Free)
		if err := errors.Join(err, err2, err3); err != nil || workers != 1 || sum != want || total != want || norm != want {
			t.Errorf("%q: %+v of %d, in all %+v, norm %+v, %v", name, sum, workers, total, norm, err)
		}
	}
}

// Senders read one row as long as it is fresh; without one, a small fleet's reports,
// and of a large fleet nothing rather than a part.
func TestATotalStandsForAllWorkers(t *testing.T) {
	db, _, table := storetest.Tables(t)
	c := store.NewChats(db, nil, table, "")
	now := time.Now().Truncate(time.Second)
	one := chat.Pace{Tokens: 100, Each: 300, Slots: 4}
	is := func(when string, at time.Time, want chat.Pace) {
		t.Helper()
		if got, err := c.Pace(t.Context(), quota.Free, at); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", when, got, err, want)
		}
	}
	is("nobody has reported", now, chat.Pace{})
	if err := c.Report(t.Context(), quota.Free, "a", one, now); err != nil {
		t.Fatal(err)
	}
	is("nobody has added up", now, one)
	total := chat.Pace{Tokens: 7e5, Each: 300, Slots: 9000}
	if err := c.SetTotal(t.Context(), quota.Free, total, now); err != nil {
		t.Fatal(err)
	}
	is("a total", now, total)
	is("a total some minutes later", now.Add(4*time.Minute), total)
	if sum, workers, err := c.Crew(t.Context(), quota.Free, now); err != nil || workers != 1 || sum != one {
		t.Errorf("the total counts as a worker: %+v of %d, %v", sum, workers, err)
	}
	late := now.Add(6 * time.Minute)
	if err := c.Report(t.Context(), quota.Free, "a", one, late); err != nil {
		t.Fatal(err)
	}
	is("an old total", late, one)
	for i := range 100 {
		if err := c.Report(t.Context(), quota.Free, fmt.Sprint(i), one, late); err != nil {
			t.Fatal(err)
		}
	}
	is("an old total of many", late, chat.Pace{})
	if sum, workers, err := c.Crew(t.Context(), quota.Free, late); err != nil || workers != 101 || sum.Tokens != 10100 {
		t.Errorf("%+v of %d workers, %v", sum, workers, err)
	}
}
