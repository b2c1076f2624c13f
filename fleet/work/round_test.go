package work

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"parley/shared/quota"
)

// polls plays so many polls of a plan whose queues have that many prompts, and returns
// which were polled. What is brought starts at once and has ended before the next poll.
func polls(t *testing.T, d *desk, n int, lengths ...int) (lanes []int) {
	t.Helper()
	d.rounds[quota.Free] = newRound(len(lengths))
	d.rounds[quota.Free].lane = 0
	for range n {
		turn := reserve(t, d, quota.Free)
		got := min(turn.most, lengths[turn.lane])
		lengths[turn.lane] -= got
		lanes = append(lanes, turn.lane)
		tickets := some(quota.Free, got)
		d.settle(quota.Free, turn, tickets)
		for _, one := range tickets {
			d.leave(one)
		}
	}
	return lanes
}

func TestEmptyQueuesTakeTurns(t *testing.T) {
	d, _ := deskOf(t, 64)
	if got := polls(t, d, 7, 0, 0, 0); !slices.Equal(got, []int{0, 1, 2, 0, 1, 2, 0}) {
		t.Errorf("polled %v", got)
	}
}

// A queue that has more than anybody takes is polled four times in a row, and then the
// others have their turn, though they have nothing, or one prompt.
func TestADeepQueueLetsOthersHaveTheirTurn(t *testing.T) {
	d, _ := deskOf(t, 64)
	if got := polls(t, d, 13, 1<<20, 0, 1); !slices.Equal(got, []int{0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 2, 0}) {
		t.Errorf("polled %v", got)
	}
}

// A full turn takes no longer than the long poll of a single queue, or a second for
// each of many; a queue that is thought to be empty doesn't hold up one that is deep.
func TestLongPollsAreShared(t *testing.T) {
	for queues, want := range map[int]time.Duration{1: 5 * time.Second, 2: 2 * time.Second, 3: time.Second, 5: time.Second, 8: time.Second} {
		d, _ := deskOf(t, 64)
		d.rounds[quota.Free] = newRound(queues)
		if got := d.mayPoll(t, quota.Free); got.wait != want {
			t.Errorf("%d queues: %v", queues, got.wait)
		}
	}
	d, _ := deskOf(t, 64)
	polls(t, d, 5, 1<<20, 0)
	if got := d.mayPoll(t, quota.Free); got.lane != 0 || got.wait != 2*time.Second {
		t.Errorf("the deep queue's turn: %+v", got)
	}
	d, _ = deskOf(t, 64)
	polls(t, d, 4, 1<<20, 0)
	if got := d.mayPoll(t, quota.Free); got.lane != 1 || got.wait != time.Second {
		t.Errorf("the empty queue's turn: %+v", got)
	}
}

func TestWorkersBeginAnywhere(t *testing.T) {
	var begun [4]int
	for range 400 {
		begun[newRound(4).lane]++
	}
	if slices.Min(begun[:]) < 50 {
		t.Errorf("began %v times", begun)
	}
}

// An hour over five queues of a plan: they may be full, or all but one nearly empty.
// Slots are as busy as with one queue, no prompt of a quiet queue waits for long, and
// calls stay few.
func TestAnHourOverSeveralQueues(t *testing.T) {
	const never = 24 * time.Hour
	for name, c := range map[string]struct {
		slots int
		free  []time.Duration // between prompts of each queue
		calls float64         // for a start, at most
		busy  float64
		waits time.Duration // of a prompt of a quiet queue, at most
	}{
		"all full":           {64, []time.Duration{0, 0, 0, 0, 0}, 0.7, 0.98, 0},
		"one full":           {64, []time.Duration{0, never, never, never, never}, 0.75, 0.98, 0},
		"one full, one slow": {64, []time.Duration{0, time.Minute, never, never, never}, 0.75, 0.98, 25 * time.Second},
		"one slow":           {64, []time.Duration{time.Minute, never, never, never, never}, 65, 0, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var queues []*endless
				for _, every := range c.free {
					queues = append(queues, &endless{every: every, next: time.Now().Add(every)})
				}
				s := work(t, c.slots, 45*time.Second, queues, []*endless{{every: never, next: time.Now().Add(never)}})
				calls := float64(s.calls[quota.Free]) / float64(s.starts[quota.Free])
				t.Logf("%.2f calls a start (%v for %v), %.1f %% busy, waited %v", calls, s.calls, s.starts, 100*s.busy, s.waited)
				if calls > c.calls || s.busy < c.busy || s.waited > c.waits {
					t.Errorf("want %.2f calls, %.2f busy and %v at most", c.calls, c.busy, c.waits)
				}
			})
		})
	}
}
