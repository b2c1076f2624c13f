package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/fleet/enginetest"
	"parley/shared/id"
	"parley/shared/quota"
)

const aimRecovery = 15 * time.Second

// victims die in one round, each in the middle of an answer.
const victims = 5

// recovery kills workers whose answers are read, and measures how long the readers
// wait for the rest.
func recovery(ctx context.Context, b *bench) (section, error) {
	roundsOf := 2
	if b.quick {
		roundsOf = 1
	}
	e := &enginetest.Engine{Words: 1000, Pace: 50 * time.Millisecond, Slots: 32, Context: 8192}
	c, err := newCrew(ctx, b, e)
	if err != nil {
		return section{}, err
	}
	defer c.Close()
	who, err := c.join(ctx, quota.Free)
	if err != nil {
		return section{}, err
	}
	var gaps []time.Duration
	for n := range roundsOf {
		got, err := c.killRound(ctx, who, n)
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
worker goes on from the frames that the dead one published. The client's stream stays open; the gap is what it sees. Five workers die in a round, each with a queue of its own and another worker there to take over, at different moments between two heartbeats.
A round fails the benchmark if a client is told to clear what it shows, or reads anything but the known answer.

Aim: 15 s.
`

// killRound kills so many workers side by side.
func (c *crew) killRound(ctx context.Context, who person, round int) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	readings := make(chan reading, victims)
	for i := range victims {
		go func() { readings <- c.killOne(ctx, who, fmt.Sprintf("%d-%d goes on?", round, i), i) }()
	}
	var gaps []time.Duration
	var errs []error
	for range victims {
		r := <-readings
		gaps, errs = append(gaps, r.gap), append(errs, r.err)
	}
	return gaps, errors.Join(errs...)
}

// killOne has a worker with a queue of its own write an answer, starts another one
// and kills the first.
func (c *crew) killOne(ctx context.Context, who person, question string, nth int) reading {
	queue, err := c.SQS.CreateQueue(ctx, &sqs.CreateQueueInput{
		QueueName: aws.String("bench-kill-" + id.New(time.Now())), Attributes: map[string]string{"VisibilityTimeout": "15"}})
	if err != nil {
		return reading{err: err}
	}
	here := "QUEUE_URLS_FREE=" + *queue.QueueUrl
	victim, err := c.worker(ctx, c.engineURL, here)
	if err != nil {
		return reading{err: err}
	}
	defer victim.Kill()
	f, err := c.front(ctx, 1, here)
	if err != nil {
		return reading{err: err}
	}
	defer f.Close()
	begun, read := make(chan struct{}, 1), make(chan reading, 1)
	go func() { read <- c.readOver(ctx, f, who, question, begun) }()
	select {
	case <-begun:
	case r := <-read:
		return reading{err: errors.Join(r.err, errors.New("the answer ended before the kill"))}
	}
	heir, err := c.worker(ctx, c.engineURL, here)
	if err != nil {
		return reading{err: err}
	}
	defer heir.Kill()
	time.Sleep(time.Duration(nth) * 1100 * time.Millisecond) // at different moments between two heartbeats
	victim.Kill()
	return <-read
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
