package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/shared/id"
	"parley/shared/queue"
)

// everyone is where index-all stands.
type everyone struct {
	Users int    `json:"users"`          // whose indexing was queued
	Last  string `json:"last,omitempty"` // the last of them
	Done  bool   `json:"done"`           // all were
}

// indexAll queues the indexing of everybody's history, so many a second, then waits
// until the queue is empty.
func indexAll(ctx context.Context, d *desk, _ []string) error {
	if d.rate <= 0 || d.after != "" && !id.Valid(d.after) {
		return errors.New("--rate is a number above 0, --after the id of a user")
	}
	if err := d.confirm("Have the histories of all users indexed anew, %g a second?", d.rate); err != nil {
		return err
	}
	at := everyone{Last: d.after}
	tick := time.NewTicker(time.Duration(float64(time.Second) / d.rate))
	defer tick.Stop()
	shown := d.now()
	err := d.chats.Owners(ctx, d.after, func(user string) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if err := d.indexes.Index(ctx, queue.IndexJob{User: user, Anew: true}); err != nil {
			return err
		}
		at.Users, at.Last = at.Users+1, user
		if d.now().Sub(shown) > time.Second {
			shown = d.now()
			fmt.Fprintf(d.ask, "%d users queued, the last %s\n", at.Users, at.Last)
		}
		return nil
	})
	if err == nil {
		at.Done = true
		err = d.drained(ctx)
	}
	if err != nil && !at.Done && at.Last != "" {
		err = fmt.Errorf("%w; --after %s goes on with the rest", err, at.Last)
	}
	if err != nil {
		return err
	}
	return d.done(at, "The histories of %d users were indexed anew; what could not be is among the dead letters (dlq list).", at.Users)
}

// drained waits until no index job is left, and tells how many are.
func (d *desk) drained(ctx context.Context) error {
	for {
		waiting, running, err := d.indexes.Depth(ctx)
		if err != nil || waiting+running == 0 {
			return err
		}
		fmt.Fprintf(d.ask, "%d jobs wait, %d are under way\n", waiting, running)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Second):
		}
	}
}
