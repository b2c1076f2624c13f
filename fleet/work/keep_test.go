package work_test

import (
	"testing"
	"testing/synctest"
	"time"

	"parley/fleet/fleettest"
	"parley/shared/chat"
)

// What a worker can't be sure to hold it must not write; and nothing less than that
// may end an answer.
func TestWhatCannotBeKeptStops(t *testing.T) {
	elsewhere := func(t *testing.T, q *fleettest.Queue) { // SQS delivers it a second time
		q.Show()
		if got, err := q.Receive(t.Context(), 1, 0); err != nil || len(got) != 1 {
			t.Errorf("received %v, %v", got, err)
		}
	}
	for name, c := range map[string]struct {
		silent, down, twice bool
		stop                bool
		from, to            time.Duration // after the prompt was received
	}{
		"nothing answers":                          {silent: true, down: true, stop: true, from: 12 * time.Second, to: 14100 * time.Millisecond},
		"delivered elsewhere while Valkey is away": {silent: true, twice: true, stop: true, to: 5 * time.Second},
		"delivered elsewhere":                      {twice: true},
		"the queue is away":                        {down: true},
		"Valkey is away":                           {silent: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{healthy: true}
				began := time.Now()
				w.during = func(q *fleettest.Queue) {
					time.Sleep(time.Second + 2*time.Millisecond) // not as the worker polls
					w.change(func() { w.silent = c.silent })
					if c.twice {
						elsewhere(t, q)
					}
					q.Fail(c.down)
					time.Sleep(57 * time.Second)
					q.Fail(false)
				}
				w.run(t, time.Minute, time.Hour)
				took := w.ends[0].Sub(began)
				if c.stop && (took < c.from || took > c.to) || !c.stop && took < 59*time.Second {
					t.Errorf("the answer stopped after %s", took)
				}
				if lost := w.worker.Counts().Lost; c.stop != (lost > 0) || w.result != nil {
					t.Errorf("%d attempts lost, result %+v", lost, w.result)
				}
			})
		})
	}
}

// A prompt whose dead worker still has its lease is tried again when that has
// ended, not after a whole visibility; one that is received too often rests longer.
func TestAPromptWaitsForTheLeaseOfItsLastWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{healthy: true, holder: true}
		began := time.Now()
		w.during = func(*fleettest.Queue) {
			time.Sleep(5500 * time.Millisecond)
			w.change(func() { w.holder = false })
		}
		w.run(t, 8*time.Second, time.Hour)
		if w.reply.Attempt != 1 || w.claimed.Sub(began) > 6500*time.Millisecond {
			t.Errorf("attempt %d after %s", w.reply.Attempt, w.claimed.Sub(began))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := &world{healthy: true, holder: true}
		q := w.run(t, time.Hour, 2*time.Hour)
		if q.Most() > 95 || w.worker.Counts().Duplicate < 60 {
			t.Errorf("received %d times in an hour: the queue would give it up", q.Most())
		}
	})
}

// The queue delivers a prompt again to the worker that answers it: the newest
// receipt is the one to prolong and to hand back.
func TestTheNewestReceiptCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{healthy: true, silent: true}
		w.during = func(q *fleettest.Queue) {
			time.Sleep(500 * time.Millisecond) // between heartbeats
			for range 3 {
				time.Sleep(10 * time.Second)
				q.Show()
			}
		}
		q := w.run(t, time.Minute, time.Hour)
		got, err := q.Receive(t.Context(), 1, 0)
		if w.chats != 1 || w.reply.Attempt != 1 || w.worker.Counts().Duplicate != 3 || err != nil || len(got) != 1 {
			t.Errorf("%d calls of the engine, attempt %d, %+v; then %v, %v", w.chats, w.reply.Attempt, w.worker.Counts(), got, err)
		}
	})
}

// A second attempt that doesn't reach the frames at once tries again: what was shown
// must not start over for a moment's silence. If they stay away it does.
func TestASecondAttemptWaitsForTheFrames(t *testing.T) {
	for blips, want := range map[int]string{0: "So far", 4: "So far", 1000: ""} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{healthy: true, blips: blips, begun: "So far", reply: chat.Message{Attempt: 1}}
			w.run(t, 5*time.Second, time.Hour)
			if w.chats != 1 || w.asked != want {
				t.Errorf("%d blips: the engine was asked %d times, from %q", blips, w.chats, w.asked)
			}
		})
	}
}

// What isn't a prompt is deleted; one of a later release is left to that for a
// while; what was deleted meanwhile is forgotten. All is counted.
func TestBadMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{healthy: true, reply: chat.Message{Status: chat.Cancelled}}
		w.during = func(q *fleettest.Queue) {
			q.SendBody(`{"Records":[{"eventName":"ObjectCreated:Put"}]}`)
			q.SendBody("\x00\xff")
			q.SendBody(`{"v":2,"for":"the next release"}`)
			time.Sleep(5 * time.Minute)
			if n := q.Len(); n != 1 {
				t.Errorf("%d messages after five minutes", n)
			}
		}
		q := w.run(t, 11*time.Minute, time.Hour)
		c := w.worker.Counts()
		if c.Unreadable != 3 || c.Later != 19 || q.Len() != 0 {
			t.Errorf("%+v, %d messages left", c, q.Len())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := &world{healthy: true, gone: true}
		w.run(t, time.Second, time.Hour)
		if c := w.worker.Counts(); c.Forgotten != 1 {
			t.Errorf("%+v", c)
		}
	})
}
