package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

func listDead(ctx context.Context, d *desk, _ []string) error {
	found := []message{}
	var rows [][]string
	err := d.look(ctx, func(m message) (bool, error) {
		found = append(found, m)
		rows = append(rows, []string{m.ID, m.Kind, m.User, m.About, stamp(m.Sent), strconv.Itoa(m.Receives)})
		return false, nil
	})
	if err != nil {
		return err
	}
	return d.table(found, "MESSAGE KIND USER ABOUT SENT RECEIVES", rows)
}

func showDead(ctx context.Context, d *desk, args []string) error {
	found := false
	err := d.look(ctx, func(m message) (bool, error) {
		if m.ID != args[0] {
			return false, nil
		}
		found = true
		return false, d.table(m, "FIELD VALUE", [][]string{
			{"message", m.ID}, {"kind", m.Kind}, {"user", m.User}, {"about", m.About},
			{"sent", stamp(m.Sent)}, {"receives", strconv.Itoa(m.Receives)}, {"body", m.Body},
		})
	})
	if err == nil && !found {
		err = noMessage(args[0])
	}
	return err
}

func noMessage(id string) error {
	return fmt.Errorf("message %s is not in the queue, or somebody else looks at it just now", id)
}

func (d *desk) look(ctx context.Context, fn func(message) (bool, error)) error {
	url, err := d.dead.url(d.queue)
	if err != nil {
		return err
	}
	return d.dead.look(ctx, url, fn)
}

// redrive looks once at everything in the queue and moves what is wanted. The
// messages that it moves out of the dead queue go to where they came from.
func redrive(ctx context.Context, d *desk, args []string) error {
	if d.all == (len(args) > 0) {
		return errors.New("name messages, or --all")
	}
	if d.queue == "dead" {
		return errors.New("prompts in the dead queue are on their way to fail-reply; reply requeue asks for their replies again")
	}
	if err := d.confirm("Put %s back to where they are handled?", map[bool]string{true: "all messages", false: fmt.Sprintf("%d messages", len(args))}[d.all]); err != nil {
		return err
	}
	moved, left := 0, 0
	missing := slices.Clone(args)
	err := d.look(ctx, func(m message) (bool, error) {
		if !d.all && !slices.Contains(args, m.ID) {
			return false, nil
		}
		missing = slices.DeleteFunc(missing, func(id string) bool { return id == m.ID })
		if m.home == "" {
			left++
			return false, nil
		}
		moved++
		return true, d.putBack(ctx, m)
	})
	if err == nil && len(missing) > 0 {
		err = noMessage(missing[0])
	}
	if err != nil {
		return err
	}
	return d.done(map[string]int{"redriven": moved, "unreadable": left}, "%d redriven, %d can't be read and stay.", moved, left)
}

func (d *desk) putBack(ctx context.Context, m message) error {
	what := "redrive " + m.Kind + " message " + m.ID + ", " + m.About
	act := d.act(ctx, m.User, what)
	if err := d.dead.move(ctx, d.dead.parked, m); err != nil {
		return err
	}
	if err := d.accounts.Note(ctx, act, m.User, what); err != nil {
		return fmt.Errorf("message %s is redriven, but not written down: %w", m.ID, err)
	}
	return nil
}
