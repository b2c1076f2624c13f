package work_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"parley/shared/chat"
	"parley/shared/problem"
)

// away is a region that was, and has caught up when that returns nil.
type away func() error

func (a away) State() error { return a() }

func (a away) Wait(ctx context.Context) error {
	for a() != nil && ctx.Err() == nil {
		time.Sleep(time.Second)
	}
	return ctx.Err()
}

var errBehind = problem.New(problem.Unavailable, "unavailable", "behind").Because(errors.New("behind"))

// Until the region has caught up nothing is received nor claimed; then the prompt ends,
// here by its deadline.
func TestARegionThatWasAwayTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		w := &world{healthy: true}
		w.region = away(func() error {
			if time.Since(began) < 30*time.Second {
				return errBehind
			}
			return nil
		})
		time.AfterFunc(29*time.Second, func() {
			w.change(func() {
				if w.reply.Attempt > 0 || w.worker.Ready() == nil {
					t.Error("it works before the region has caught up")
				}
			})
		})
		q := w.run(t, 45*time.Second, 20*time.Second)
		if w.result == nil || *w.result.Failure != chat.DeadlineExceeded || q.Len() > 0 || w.claimed.Sub(began) < 30*time.Second {
			t.Errorf("result %+v, claimed after %v", w.result, w.claimed.Sub(began))
		}
	})
}

// A region that goes away in the middle of an answer writes nothing of it: not its end,
// nor that it was handed back. Its prompt stays.
func TestARegionThatGoesAwayWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{healthy: true}
		w.region = away(func() error {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.reply.Attempt > 0 {
				return errBehind
			}
			return nil
		})
		q := w.run(t, 10*time.Second, -time.Second)
		if w.reply.Attempt != 1 || w.result != nil || w.commits > 0 || w.reply.HandedBack > 0 || q.Len() != 1 {
			t.Errorf("reply %+v, result %+v, %d commits, %d prompts", w.reply, w.result, w.commits, q.Len())
		}
	})
}
