package chat

import (
	"context"
	"math"
	"time"

	"parley/shared/problem"
	"parley/shared/quota"
)

// Lookout foretells how long a plan's queue takes.
type Lookout interface {
	// Glance returns what was seen lately, false if nothing was, without waiting. It
	// has somebody look again if that is due.
	Glance(plan quota.Plan) (Outlook, bool)
	// Outlook waits, within bounds, for that look if there is nothing else to tell.
	Outlook(ctx context.Context, plan quota.Plan) Outlook
}

// admitted is the part of its deadline up to which a prompt may have to wait, and
// be accepted: what is measured is some seconds old, and off by some. Free gives way
// first.
var admitted = map[quota.Plan]float64{quota.Free: 0.7, quota.Premium: 0.9}

// What a client that was sent away is told to wait.
const (
	soonest = time.Second
	latest  = time.Minute
)

var errOverloaded = problem.New(problem.Unavailable, "overloaded", "There is more to answer than can be answered in time; please try again later.")

// overload returns why no prompt of that plan is accepted now, or nil: its queue
// would keep it past its deadline. Nothing is known, so nothing is refused, of a
// queue that nobody has looked at or whose workers have measured nothing.
func (s *Sender) overload(plan quota.Plan) error {
	if s.Lookout == nil {
		return nil
	}
	seen, known := s.Lookout.Glance(plan)
	over := time.Duration(seen.ETA*float64(time.Second)) - time.Duration(admitted[plan]*float64(s.Deadlines[plan]))
	if !known || over <= 0 {
		return nil
	}
	seconds := math.Ceil(over.Seconds())
	return errOverloaded.After(min(max(time.Duration(seconds)*time.Second, soonest), latest))
}

// outlook returns how the queue of a plan stands.
func (s *Sender) outlook(ctx context.Context, plan quota.Plan) Outlook {
	if s.Lookout == nil {
		return Outlook{}
	}
	return s.Lookout.Outlook(ctx, plan)
}
