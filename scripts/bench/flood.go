package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/fleet/enginetest"
	"parley/shared/quota"
)

const aimFlood = 1.2

// premiumEvery is a fifth of what the engine can do.
const premiumEvery = 5 * loadEvery

// flood measures premium's time to the first token, alone and under ten times as
// many free questions, twice what the engine can answer.
func flood(ctx context.Context, b *bench) (section, error) {
	quiet, warm, span := 30*time.Second, 12*time.Second, 40*time.Second
	if b.quick {
		quiet, warm, span = 8*time.Second, 5*time.Second, 8*time.Second
	}
	e := &enginetest.Engine{Words: loadWords, Pace: loadPace, Slots: loadSlots, Context: 4096}
	c, err := newCrew(ctx, b, e)
	if err != nil {
		return section{}, err
	}
	defer c.Close()
	s := storm{crew: c}
	if err := s.prepare(ctx); err != nil {
		return section{}, err
	}
	defer s.front.Close()
	alone, err := s.premium(ctx, quiet)
	if err != nil {
		return section{}, fmt.Errorf("without a flood: %w", err)
	}
	under, free, err := s.flooded(ctx, warm, span)
	if err != nil {
		return section{}, fmt.Errorf("under the flood: %w", err)
	}
	t := table{Head: []string{"premium's time to the first token, ms", "p50", "p90", "p99", "answers"}}
	for _, row := range []struct {
		name string
		of   []time.Duration
	}{{"alone", alone}, {"under the flood", under}} {
		t.add(row.name, "%.0f", milliseconds(percentile(row.of, 50)), "%.0f", milliseconds(percentile(row.of, 90)), "%.0f", milliseconds(percentile(row.of, 99)), "%d", len(row.of))
	}
	times := float64(percentile(under, 50)) / float64(percentile(alone, 50))
	notes := fmt.Sprintf("Under the flood it is %.2f times the unloaded one at p50 (aim: %.1f) and %.2f times at p90. Of the free questions %d were answered, %d not accepted (503), %d failed at their deadline.",
		times, aimFlood, float64(percentile(under, 90))/float64(percentile(alone, 90)), free.done, free.shed, free.failed)
	return section{Title: "Premium under a flood of free questions", Text: fmt.Sprintf(floodText, loadSlots, loadWords, loadPace.Milliseconds(),
		float64(time.Second)/float64(premiumEvery), 10*float64(time.Second)/float64(premiumEvery)), Tables: []table{t}, Notes: notes}, nil
}

const floodText = `An engine of %d slots writes answers of %d tokens, one every %d ms. Premium asks %.1f questions a second, a fifth of what it can answer, first alone and then while free users ask ten times as
many, %.0f a second: all slots are taken, and free questions wait, are not accepted or fail. Measured as in the section on the time to the first token, emulator included, by the same worker in one run.

Aim: 1.2 times the unloaded time.
`

// storm is who asks, and where.
type storm struct {
	*crew
	front *front
	payer person
	free  []person
}

func (s *storm) prepare(ctx context.Context) (err error) {
	if _, err = s.worker(ctx, s.engineURL); err != nil {
		return err
	}
	if s.front, err = s.crew.front(ctx, 6, "DEADLINE_FREE=20s", "DEADLINE_PREMIUM=20s"); err != nil {
		return err
	}
	if s.payer, err = s.join(ctx, quota.Premium); err != nil {
		return err
	}
	s.free = make([]person, 8)
	for i := range s.free {
		if s.free[i], err = s.join(ctx, quota.Free); err != nil {
			return err
		}
	}
	return nil
}

// premium asks for that long and returns the times to the first token.
func (s *storm) premium(ctx context.Context, span time.Duration) ([]time.Duration, error) {
	all := arrive(ctx, premiumEvery, int(span/premiumEvery), func(ctx context.Context, n int) asked {
		return s.ask(ctx, s.front, s.payer, fmt.Sprintf("Premium %d.", n), true)
	})
	return firsts(all)
}

// flooded does the same while free users ask ten times as much.
func (s *storm) flooded(ctx context.Context, warm, span time.Duration) (firsts []time.Duration, free outcome, err error) {
	every := premiumEvery / 10
	asking := make(chan []asked, 1)
	go func() {
		asking <- arrive(ctx, every, int((warm+span)/every), func(ctx context.Context, n int) asked {
			return s.ask(ctx, s.front, s.free[n%len(s.free)], fmt.Sprintf("Free %d.", n), false)
		})
	}()
	select {
	case <-ctx.Done():
		return nil, free, ctx.Err()
	case <-time.After(warm):
	}
	if firsts, err = s.premium(ctx, span); err != nil {
		return nil, free, err
	}
	all := <-asking
	free = judge(ctx, s.Rig, all)
	return firsts, free, errors.Join(free.errs...)
}

// firsts returns the times to the first token. A question that got none is an
// error: premium has to be answered whatever free does.
func firsts(all []asked) ([]time.Duration, error) {
	var times []time.Duration
	for _, q := range all {
		switch {
		case q.err != nil:
			return nil, q.err
		case q.shed || q.first == 0:
			return nil, errors.New("a premium question was not answered")
		}
		times = append(times, q.first)
	}
	return times, nil
}
