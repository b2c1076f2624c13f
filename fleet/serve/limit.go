package serve

import (
	"sync"
	"time"

	"parley/fleet/metrics"
	"parley/shared/api"
	"parley/shared/problem"
)

// Limits bound what is held open at once. Zero is no limit.
type Limits struct {
	PerUser int // streams and waits of one user at this relay
	All     int // streams and waits at this relay
}

// DefaultLimits returns the limits of production. What a user needs is one stream
// for each page that is open.
func DefaultLimits() Limits { return Limits{PerUser: 50, All: 20_000} }

// Why something isn't held open.
var (
	errTooMany = problem.New(problem.Exhausted, "too_many_streams",
		"You have too many streams open; please close some of them.").After(5 * time.Second)
	errFull = problem.New(problem.Unavailable, "relay_full",
		"Too many people are reading at the moment; please try again in a moment.").After(2 * time.Second)
)

// crowd counts what is held open.
type crowd struct {
	mu  sync.Mutex
	all int
	of  map[string]int // by user; nobody who has none
}

// Enter counts something that is held open for the caller until leave, which may be
// called once. Beyond the limits it fails, and the connection is to be closed, so
// that those who are refused don't fill the relay either.
func (r *Relay) Enter(req *api.Request) (leave func(), err error) {
	user := req.User.User
	if err := r.crowd.enter(user, r.Limits); err != nil {
		req.SetHeader("Connection", "close")
		r.Metrics.Drop(req.User.Plan, metrics.Limit)
		return nil, err
	}
	return func() { r.crowd.leave(user) }, nil
}

func (c *crowd) enter(user string, limits Limits) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case limits.PerUser > 0 && c.of[user] >= limits.PerUser:
		return errTooMany
	case limits.All > 0 && c.all >= limits.All:
		return errFull
	}
	if c.of == nil {
		c.of = map[string]int{}
	}
	c.of[user]++
	c.all++
	return nil
}

func (c *crowd) leave(user string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.of[user]--; c.of[user] <= 0 {
		delete(c.of, user)
	}
}
