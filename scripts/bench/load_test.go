package main

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/fleet/enginetest"
)

// Questions come at their rate however long each takes, and every one gets its
// own place.
func TestArriveKeepsItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var most, under atomic.Int64
		began := time.Now()
		all := arrive(t.Context(), time.Second, 5, func(_ context.Context, n int) asked {
			most.Store(max(most.Load(), under.Add(1)))
			defer under.Add(-1)
			q := asked{first: time.Duration(n), at: time.Now()}
			time.Sleep(10 * time.Second)
			return q
		})
		if len(all) != 5 || most.Load() != 5 {
			t.Fatalf("%d questions, %d at once", len(all), most.Load())
		}
		for n, q := range all {
			if q.first != time.Duration(n) || q.at.Sub(began) != time.Duration(n)*time.Second {
				t.Errorf("question %d is %d, %s after the beginning", n, q.first, q.at.Sub(began))
			}
		}
	})
}

func TestWithinCountsTheShareOfAnAnswer(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	e := enginetest.Entry{Sent: 100, BeganAt: at(10), EndedAt: at(20)}
	for _, c := range []struct {
		from, to int
		want     float64
	}{{0, 5, 0}, {0, 15, 50}, {12, 14, 20}, {10, 20, 100}, {25, 30, 0}} {
		if got := within(e, at(c.from), at(c.to)); got != c.want {
			t.Errorf("from %d to %d: %v, want %v", c.from, c.to, got, c.want)
		}
	}
}
