package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"parley/fleet/enginetest"
	"parley/scripts/internal/ledger/rig"
	"parley/shared/quota"
)

const aimRecovery = 15 * time.Second

// victims die in one round, each in the middle of an answer.
const victims = 4

// recovery kills workers whose answers are read, and measures how long the readers
// wait for the rest.
func recovery(ctx context.Context, b *bench) (section, error) {
	roundsOf := 3
	if b.quick {
		roundsOf = 1
	}
	e := &enginetest.Engine{Words: 1000, Pace: 50 * time.Millisecond, Slots: 32, Context: 8192}
	c, err := newCrew(ctx, b, e)
	if err != nil {
		return section{}, err
	}
	defer c.Close()
	f, err := c.front(ctx, 1)
	if err != nil {
		return section{}, err
	}
	defer f.Close()
	who, err := c.join(ctx, quota.Free)
	if err != nil {
		return section{}, err
	}
	var gaps []time.Duration
	for n := range roundsOf {
		got, err := c.killRound(ctx, f, who, n)
		if err != nil {
			return section{}, fmt.Errorf("round %d: %w", n, err)
		}
		gaps = append(gaps, got...)
	}
	t := table{Head: []string{"s", "p50", "longest", "kills", "resets", "characters that differ"}}
	t.add("from the last text before to the first after", "%.1f", percentile(gaps, 50).Seconds(), "%.1f", percentile(gaps, 100).Seconds(), "%d", len(gaps), "%d", 0, "%d", 0)
	return section{Title: "Recovery from the death of a worker", Text: recoveryText, Tables: []table{t},
		Notes: fmt.Sprintf("The longest gap is %.1f s; the aim is %.0f s.", percentile(gaps, 100).Seconds(), aimRecovery.Seconds())}, nil
}

const recoveryText = `A worker is killed by SIGKILL in the middle of an answer that a client reads at the relay. The queue shows the prompt again when its visibility ends, 15 s after the last heartbeat; another
worker goes on from the frames that the dead one published. The client's stream stays open; the gap is what it sees. Four workers with an answer each die in a round, at different moments between two heartbeats; two others are there to take over.
A round fails the benchmark if a client is told to clear what it shows, or reads anything but the known answer.

Aim: 15 s.
`

// killRound starts workers that die and others that take over, in that order, so
// that the first have the answers.
func (c *crew) killRound(ctx context.Context, f *front, who person, round int) ([]time.Duration, error) {
	dying := make([]*rig.Member, victims)
	for i := range dying {
		m, err := c.worker(ctx, c.engineURL, "ENGINE_SLOTS=1")
		if err != nil {
			return nil, err
		}
		defer m.Kill()
		dying[i] = m
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	readers := make(chan reading, victims)
	begun := make(chan struct{}, victims)
	for i := range victims {
		go func() { readers <- c.readOver(ctx, f, who, fmt.Sprintf("%d-%d goes on?", round, i), begun) }()
	}
	for range victims {
		select {
		case <-begun:
		case r := <-readers:
			return nil, errors.Join(r.err, errors.New("an answer ended before the kill"))
		}
	}
	for range 2 {
		heir, err := c.worker(ctx, c.engineURL, "ENGINE_SLOTS=8")
		if err != nil {
			return nil, err
		}
		defer heir.Kill()
	}
	for _, m := range dying {
		m.Kill()
		time.Sleep(1200 * time.Millisecond) // a beat is every 5 s
	}
	var gaps []time.Duration
	for range victims {
		r := <-readers
		if r.err != nil {
			return nil, r.err
		}
		gaps = append(gaps, r.gap)
	}
	return gaps, nil
}

// reading is what the reader of one reply saw.
type reading struct {
	gap time.Duration
	err error
}

// readOver asks and reads until some text has come after a gap that is a dead
// worker's; begun gets a word at the first text.
func (c *crew) readOver(ctx context.Context, f *front, who person, question string, begun chan<- struct{}) reading {
	var r reading
	a, err := f.send(ctx, who, question)
	if err != nil {
		return reading{err: err}
	}
	var last time.Time
	text, after := "", 0
	err = c.stream(ctx, who, a, func(e event) bool {
		switch {
		case e.name == "status" && e.data["reset"] == true:
			r.err = errors.New("a reader was told to clear what it shows")
			return false
		case e.name != "delta":
			return true
		case last.IsZero():
			begun <- struct{}{}
		default:
			r.gap = max(r.gap, e.at.Sub(last))
		}
		last = e.at
		text += e.data["text"].(string)
		if r.gap > 2*time.Second {
			after++
		}
		return after < 5
	})
	if want := enginetest.Answer(question, 1000); err == nil && !strings.HasPrefix(want, text) {
		err = fmt.Errorf("a reader got %.200q", text)
	}
	if after == 0 {
		err = errors.Join(err, errors.New("no gap was seen"))
	}
	r.err = errors.Join(r.err, err)
	return r
}
