package serve

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

// Ten thousand at once: as many are held as the limits allow, and when all have
// left nothing is remembered of anybody.
func TestCrowd(t *testing.T) {
	var c crowd
	limits := Limits{PerUser: 50, All: 120}
	var full, many, in atomic.Int64
	var all sync.WaitGroup
	for i := range 10_000 {
		user := [...]string{"ada", "bob", "cy"}[i%3]
		all.Go(func() {
			switch err := c.enter(user, limits); {
			case errors.Is(err, errFull):
				full.Add(1)
			case errors.Is(err, errTooMany):
				many.Add(1)
			default:
				in.Add(1)
			}
		})
	}
	all.Wait()
	if in.Load() != 120 || full.Load() == 0 || many.Load()+full.Load() != 10_000-120 {
		t.Errorf("%d are in, %d met the relay's limit, %d their own", in.Load(), full.Load(), many.Load())
	}
	for user, n := range c.of {
		if n > 50 {
			t.Errorf("%s has %d", user, n)
		}
		for range n {
			c.leave(user)
		}
	}
	if c.all != 0 || len(c.of) != 0 {
		t.Errorf("%d and %v are left", c.all, c.of)
	}
	if err := c.enter("ada", Limits{}); err != nil {
		t.Errorf("without limits: %v", err)
	}
}
