package ingest

import (
	"errors"
	"time"

	"parley/shared/problem"
)

// ErrPending is a scanner that hasn't looked yet; it says when to ask again.
var ErrPending = problem.New(problem.Unavailable, "scan_pending", "The malware scanner has not looked yet.")

// errScanner is a scanner that couldn't look: an operator has to see to it, and to
// have it look again.
var errScanner = problem.New(problem.Unavailable, "scanner_failed", "The malware scanner has failed.")

// pauses before an arrival is tried again, by how often it was.
var pauses = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute}

// Pause returns how long an arrival had better wait that was given to Do so many
// times, from 1, and has failed with err.
func Pause(err error, times int) time.Duration {
	if errors.Is(err, ErrPending) {
		return problem.From(err).RetryAfter
	}
	return pauses[min(max(times, 1), len(pauses))-1]
}
