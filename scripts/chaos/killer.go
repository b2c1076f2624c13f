package main

import (
	"context"
	"os"
	"time"

	"parley/scripts/chaos/check"
	"parley/scripts/chaos/plan"
)

// killer kills parts as the plan says, until ctx ends or nearly all prompts have.
func (r *run) killer(ctx context.Context) {
	for n := 0; r.set.every > 0; n++ {
		k := r.plan.Kill(n, r.set.every)
		if sleep(ctx, k.After) != nil || r.ended.Load() > int64(r.set.prompts)*19/20 {
			return
		}
		r.kill(ctx, k)
	}
}

// strike is how long a kill waits for an answer that is being read. There nearly
// always is one; in a lull it strikes all the same.
const strike = 2 * time.Second

// kill kills one part and starts it again.
func (r *run) kill(ctx context.Context, k plan.Kill) {
	parts := r.fleet.parts[k.Part]
	which := k.Which % len(parts)
	for end := time.Now().Add(strike); r.hits(k.Part, which) == 0 && time.Now().Before(end); {
		if sleep(ctx, 20*time.Millisecond) != nil {
			return
		}
	}
	done := check.Kill{Kill: k, Hits: r.hits(k.Part, which), At: time.Now()}
	done.Mid = done.Hits > 0
	var lost []string
	if k.Part == plan.Worker {
		lost = r.calls.running(which%engines, workerKey(which))
	}
	parts[which].kill()
	switch k.Part {
	case plan.Engine:
		if !r.set.real { // a recorder sees for itself
			r.calls.killed(which)
		}
	case plan.Worker:
		r.calls.lost(lost)
	case plan.Valkey:
		if k.Empty {
			r.empty(r.fleet.valkeyData())
		}
	}
	_ = sleep(ctx, k.Down) // it is started again in any case
	if err := parts[which].start(); err != nil {
		r.died(err.Error())
	}
	done.Back = time.Now()
	r.mu.Lock()
	r.history.Kills = append(r.history.Kills, done)
	r.mu.Unlock()
}

// hits counts the answers in whose middle a kill would come, with a client reading.
func (r *run) hits(what plan.Part, which int) int {
	switch what {
	case plan.Worker:
		return r.live.among(r.calls.running(which%engines, workerKey(which)))
	case plan.Engine:
		return r.live.among(r.calls.running(which, ""))
	case plan.Relay:
		return r.live.at(which)
	}
	return r.live.all()
}

// empty removes what a folder has.
func (r *run) empty(dir string) {
	if err := os.RemoveAll(dir); err != nil {
		r.died(err.Error())
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		r.died(err.Error())
	}
}
