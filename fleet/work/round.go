package work

import (
	"math/rand/v2"
	"slices"
	"time"
)

// round is how the queues of a plan take turns in its polls, beginning with any one. A
// deep queue may be polled some times more before it is the next one's turn, so none
// waits for long, however much another has. Long polls are shorter the more queues
// there are, so that each has its turn within the time of a single one's poll; workers
// begin at different queues, so a prompt seldom waits for a turn.
type round struct {
	lane  int // whose turn it is
	again int // how often it may still be polled
	lanes []lane
}

// lane is what the last poll of a queue brought.
type lane struct {
	hot  bool // something
	deep bool // all that it could
}

// oftener is how often in a row a deep queue is polled at most.
const oftener = 4

func newRound(queues int) *round {
	queues = max(queues, 1)
	return &round{lane: rand.IntN(queues), again: oftener, lanes: make([]lane, queues)}
}

// wait is how long the poll of the lane whose turn it is may last that would be so
// long of a single queue. While others are deep it doesn't hold up those.
func (r *round) wait(alone time.Duration) time.Duration {
	if len(r.lanes) == 1 || alone == 0 {
		return alone
	}
	if r.deep() && !r.lanes[r.lane].deep {
		return min(alone, shortPoll)
	}
	return max(min(alone, (longPoll/time.Duration(len(r.lanes))).Truncate(time.Second)), shortPoll)
}

// took notes what a poll of a lane brought, and whose turn it is now.
func (r *round) took(of int, l lane) {
	r.lanes[of] = l
	if r.again--; !l.deep || r.again == 0 {
		r.lane, r.again = (r.lane+1)%len(r.lanes), oftener
	}
}

// hot reports whether any lane's last poll brought something.
func (r *round) hot() bool { return slices.ContainsFunc(r.lanes, func(l lane) bool { return l.hot }) }

// deep reports whether any lane has more than its last poll brought.
func (r *round) deep() bool { return slices.ContainsFunc(r.lanes, func(l lane) bool { return l.deep }) }
