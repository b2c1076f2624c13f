package ledger

import (
	"slices"
	"time"
)

// Rounds returns how many of the calls had to wait for one another: calls that
// overlap in time were made side by side and count once. It is the largest number
// of calls of which none begins before the one before it has ended.
func Rounds(calls []Call) int {
	ended := slices.DeleteFunc(slices.Clone(calls), func(c Call) bool { return c.Ended.IsZero() })
	slices.SortFunc(ended, func(a, b Call) int { return a.Ended.Compare(b.Ended) })
	rounds, free := 0, time.Time{}
	for _, c := range ended {
		if !c.Began.Before(free) {
			rounds, free = rounds+1, c.Ended
		}
	}
	return rounds
}

// Waited returns for how long at least one of the calls was under way.
func Waited(calls []Call) time.Duration {
	var total time.Duration
	var until time.Time
	for _, c := range calls { // in order of beginning
		from := c.Began
		if from.Before(until) {
			from = until
		}
		if c.Ended.After(from) {
			total += c.Ended.Sub(from)
			until = c.Ended
		}
	}
	return total
}
