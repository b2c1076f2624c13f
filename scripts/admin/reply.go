package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"parley/shared/chat"
	"parley/shared/id"
)

func stuckReplies(ctx context.Context, d *desk, args []string) error {
	stuck := []chat.Prompt{}
	collect := func(user string) error {
		some, err := d.chats.Stuck(ctx, user, d.now().Add(-d.older))
		stuck = append(stuck, some...)
		return err
	}
	if err := d.each(ctx, args, collect); err != nil {
		return err
	}
	var rows [][]string
	for _, p := range stuck {
		age := d.now().Sub(id.Time(p.Reply)).Round(time.Second)
		rows = append(rows, []string{p.User, p.Chat, p.Reply, age.String(), stamp(p.Deadline)})
	}
	return d.table(stuck, "USER CHAT REPLY AGE DEADLINE", rows)
}

// each calls fn with the user that args name, or with everybody.
func (d *desk) each(ctx context.Context, args []string, fn func(user string) error) error {
	if len(args) == 0 {
		return d.chats.Owners(ctx, "", fn)
	}
	u, err := d.user(ctx, args[0])
	if err != nil {
		return err
	}
	return fn(u.ID)
}

// requeue sends the prompts of stuck replies once more. A prompt that is queued
// twice does no harm: a reply is claimed by one worker at a time.
func requeue(ctx context.Context, d *desk, args []string) error {
	u, err := d.user(ctx, args[0])
	if err != nil {
		return err
	}
	stuck, err := d.chats.Stuck(ctx, u.ID, d.now().Add(-d.older))
	if err != nil {
		return err
	}
	if stuck, err = named(stuck, args[1:]); err != nil {
		return err
	}
	for _, p := range stuck {
		p.Plan, p.Deadline = u.Plan, d.now().Add(d.within).UTC().Truncate(time.Millisecond)
		what := "requeue reply " + p.Reply
		act := d.act(ctx, u.ID, what)
		if err := d.prompts.Send(ctx, p); err != nil {
			return fmt.Errorf("reply %s: %w", p.Reply, err)
		}
		if err := d.accounts.Note(ctx, act, u.ID, what); err != nil {
			return fmt.Errorf("reply %s is queued, but not written down: %w", p.Reply, err)
		}
	}
	return d.done(change{u.ID, fmt.Sprintf("%d requeued", len(stuck))}, "%d queued again.", len(stuck))
}

// named picks the prompts of those replies, of all if there are none.
func named(stuck []chat.Prompt, replies []string) ([]chat.Prompt, error) {
	if len(replies) == 0 {
		return stuck, nil
	}
	for _, r := range replies {
		if !slices.ContainsFunc(stuck, func(p chat.Prompt) bool { return p.Reply == r }) {
			return nil, fmt.Errorf("reply %s is not stuck: admin reply stuck lists those that are", r)
		}
	}
	return slices.DeleteFunc(stuck, func(p chat.Prompt) bool { return !slices.Contains(replies, p.Reply) }), nil
}
