package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"parley/scripts/chaos/check"
	"parley/scripts/chaos/plan"
	"parley/shared/id"
)

// run is one run in progress.
type run struct {
	set    settings
	plan   plan.Plan
	fleet  *fleet
	place  *place
	live   *live
	calls  *calls
	users  []string // ids
	began  time.Time
	ended_ time.Time
	log    io.Closer

	sent, ended, failed, cancelled, resets, busy, twice, resent atomic.Int64

	mu      sync.Mutex
	history check.History
}

// drain is how long what was accepted may take after the last send.
const drain = 3 * time.Minute

func newRun(ctx context.Context, set settings, root string) (*run, error) {
	r := &run{set: set, plan: plan.Plan{Seed: set.seed, Users: set.users, Real: set.real}, live: newLive(), calls: newCalls()}
	f, err := newFleet(ctx, set, root, r.died)
	if err != nil {
		return nil, err
	}
	r.fleet = f
	if err := r.open(ctx); err != nil {
		f.stop()
		return nil, err
	}
	for range set.users {
		r.users = append(r.users, id.New(time.Now()))
	}
	return r, nil
}

// open starts everything, in the order of need.
func (r *run) open(ctx context.Context) error {
	if err := r.fleet.services(ctx); err != nil {
		return err
	}
	var err error
	if r.place, err = newPlace(ctx, r.fleet); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(r.fleet.data, "log", "send-message.log"))
	if err != nil {
		return err
	}
	r.log = log
	if err := r.place.makeFunction(ctx, r.fleet, log); err != nil {
		return err
	}
	if err := r.fleet.startEngines(ctx, r.calls.lines); err != nil {
		return err
	}
	if r.set.real {
		for i := range engines {
			if err := r.record(ctx, i); err != nil {
				return err
			}
		}
	}
	return r.fleet.startFleet(ctx, r.place.env)
}

// died notes that a process ended that nobody had killed.
func (r *run) died(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.Died = append(r.history.Died, what)
}

// play lets all users have their answers while parts are killed.
func (r *run) play(ctx context.Context) {
	r.began = time.Now()
	ctx, cancel := context.WithTimeout(ctx, r.set.limit+drain)
	defer cancel()
	sends, endSends := context.WithTimeout(ctx, r.set.limit)
	defer endSends()
	kills, endKills := context.WithCancel(sends)
	var users, others sync.WaitGroup
	for u := range r.set.users {
		users.Go(func() { r.user(ctx, sends, u) })
	}
	others.Go(func() { r.killer(kills) })
	over, quiet := context.WithCancel(ctx)
	others.Go(func() { r.progress(over) })
	users.Wait()
	endKills()
	quiet()
	others.Wait()
	r.place.send.Close()
	r.log.Close()
	r.ended_ = time.Now()
}

// settle ends the fleet, and reads how everything stands in the end.
func (r *run) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	// What was delivered twice may still be worked on; it must change nothing.
	if err := sleep(ctx, 3*time.Second); err != nil {
		return err
	}
	errs := []error{r.readAll(ctx), r.readQuota(ctx)}
	r.calls.into(r.history.Replies, r.plan)
	r.fleet.stop()
	r.history.Died = append(r.history.Died, r.fleet.drains...)
	return errors.Join(errs...)
}

// readAll reads each reply's row for the last time.
func (r *run) readAll(ctx context.Context) error {
	for _, reply := range r.history.Replies {
		m, err := r.place.chats.Message(ctx, reply.Ref)
		if err != nil {
			return fmt.Errorf("read %s again: %w", reply.Name(), err)
		}
		reply.Last, reply.Hour = rowOf(m), m.Hour
	}
	return nil
}

// readQuota reads what each user's hours have counted.
func (r *run) readQuota(ctx context.Context) error {
	r.history.Used = map[check.Window]int{}
	for _, reply := range r.history.Replies {
		w := check.Window{User: reply.Ref.User, Hour: reply.Hour}
		if _, read := r.history.Used[w]; read {
			continue
		}
		n, err := r.place.chats.Used(ctx, w.User, w.Hour)
		if err != nil {
			return fmt.Errorf("read the quota of %s: %w", w.User, err)
		}
		r.history.Used[w] = n
	}
	return nil
}
