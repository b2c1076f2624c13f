package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/fleet/engine"
	"parley/fleet/enginetest"
	"parley/shared/quota"
)

const aimGoodput = 0.95

// The engine under overload: it can start an answer every 250 ms.
const (
	loadSlots = 16
	loadPace  = 25 * time.Millisecond
	loadWords = 160
	loadEvery = loadPace * loadWords / loadSlots
)

// goodput saturates an engine directly and then asks Parley for twice as much.
func goodput(ctx context.Context, b *bench) (section, error) {
	warm, span, deadline := 15*time.Second, 40*time.Second, 15*time.Second
	if b.quick {
		warm, span = 6*time.Second, 8*time.Second
	}
	before, err := saturate(ctx, span/4)
	if err != nil {
		return section{}, fmt.Errorf("straight: %w", err)
	}
	e := &enginetest.Engine{Words: loadWords, Pace: loadPace, Slots: loadSlots, Context: 4096}
	c, err := newCrew(ctx, b, e)
	if err != nil {
		return section{}, err
	}
	defer c.Close()
	got, o, late, err := c.overload(ctx, warm, span, deadline)
	if err != nil {
		return section{}, err
	}
	after, err := saturate(ctx, span/4)
	if err != nil {
		return section{}, fmt.Errorf("straight: %w", err)
	}
	most := max(before, after) // the machine is shared
	share := got / most
	t := table{Head: []string{"", "tokens/s", "of the maximum"}}
	t.add("what its speed and slots make", "%.0f", loadSlots/loadPace.Seconds(), "%s", "")
	t.add("the engine, saturated directly before", "%.0f", before, "%.3f", before/most)
	t.add("the same after", "%.0f", after, "%.3f", after/most)
	t.add("useful, through Parley at twice that load", "%.0f", got, "%.3f", share)
	fate := table{Head: []string{"of the questions", "number"}}
	for _, row := range []struct {
		what string
		n    int
	}{{"answered", o.done}, {"not accepted: 503", o.shed}, {"failed at their deadline, quota given back", o.failed}, {"still open at the end", o.open},
		{"begun after their deadline, not counted as useful", late}} {
		fate.add(row.what, "%d", row.n)
	}
	notes := fmt.Sprintf("Goodput is %.1f %% of the maximum; the aim is %.0f %%.", 100*share, 100*aimGoodput)
	return section{Title: "Goodput at twice the engine's capacity", Text: fmt.Sprintf(goodputText, loadSlots, loadWords, loadPace.Milliseconds(), (2 * time.Second / loadEvery), deadline.Seconds(), span.Seconds(), warm.Seconds()),
		Tables: []table{t, fate}, Notes: notes}, nil
}

const goodputText = `An engine of %d slots writes answers of %d tokens, one every %d ms. First it is kept saturated directly, and once more at the end: its maximum. Between, %d questions a second, twice what it can answer, come
to ` + "`send-message`" + ` for one worker, with a deadline of %.0f s for their start. Useful are the tokens of replies that ended as done and began before their deadline, as they fall into %.0f s after the first %.0f s.

Aim: 95 %% of the maximum.
`

// saturate returns the tokens a second of an engine that always has more to do.
func saturate(ctx context.Context, span time.Duration) (float64, error) {
	e := &enginetest.Engine{Words: loadWords, Pace: loadPace, Slots: loadSlots, Context: 4096}
	c := &crew{engine: e}
	defer c.Close()
	url, err := c.serve(e)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client := engine.New(engine.Settings{URL: url, Model: "small", FirstToken: time.Minute, Idle: time.Minute})
	ended := make(chan error, loadSlots)
	for range loadSlots { // each slot has its own, so that none waits
		go func() {
			var err error
			for err == nil {
				_, err = firstOf(ctx, client, "Go on.")
			}
			ended <- err
		}()
	}
	from := time.Now().Add(loadPace * loadWords) // when all have begun, at different moments
	to := from.Add(span)
	// What is under way at the end has to end, to be counted in part.
	select {
	case err := <-ended:
		return 0, err
	case <-time.After(span + 3*loadPace*loadWords):
	}
	cancel()
	for range loadSlots {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			return 0, err
		}
	}
	return rate(e.Entries(), from, to, func(enginetest.Entry) bool { return true }), nil
}

// rate is how many tokens a second of useful answers came between two moments.
func rate(entries []enginetest.Entry, from, to time.Time, useful func(enginetest.Entry) bool) float64 {
	sum := 0.0
	for _, e := range entries {
		if useful(e) {
			sum += within(e, from, to)
		}
	}
	return sum / to.Sub(from).Seconds()
}

// overload asks Parley for twice what the engine can do. late is how many answers
// began after their deadline.
func (c *crew) overload(ctx context.Context, warm, span, deadline time.Duration) (got float64, o outcome, late int, err error) {
	if _, err := c.worker(ctx, c.engineURL); err != nil {
		return 0, o, 0, err
	}
	f, err := c.front(ctx, 4, "DEADLINE_FREE="+deadline.String(), "DEADLINE_PREMIUM="+deadline.String())
	if err != nil {
		return 0, o, 0, err
	}
	defer f.Close()
	users := make([]person, 8)
	for i := range users {
		if users[i], err = c.join(ctx, quota.Free); err != nil {
			return 0, o, 0, err
		}
	}
	from := time.Now().Add(warm)
	to := from.Add(span)
	tail := 2*loadPace*loadWords + deadline // after which all is decided
	all := arrive(ctx, loadEvery/2, int((warm+span)/(loadEvery/2)), func(ctx context.Context, n int) asked {
		return c.ask(ctx, f, users[n%len(users)], fmt.Sprintf("Question %d.", n), false)
	})
	select {
	case <-ctx.Done():
		return 0, o, 0, ctx.Err()
	case <-time.After(tail):
	}
	o = judge(ctx, c.Rig, all)
	if len(o.errs) > 0 {
		return 0, o, 0, errors.Join(o.errs[:min(3, len(o.errs))]...)
	}
	limits := map[string]time.Time{}
	for _, q := range all {
		limits[q.accepted.Chat] = q.at.Add(deadline)
	}
	got = rate(c.engine.Entries(), from, to, func(e enginetest.Entry) bool {
		_, done := o.replies[e.Session]
		if done && e.BeganAt.After(limits[e.Session]) {
			late++
			return false
		}
		return done
	})
	return got, o, late, nil
}
