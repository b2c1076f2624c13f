package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync"
	"time"

	"parley/scripts/internal/ledger/rig"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/quota"
)

// Aims of the relay.
const (
	aimStream = 24 << 10              // bytes resident of one open stream
	aimFrame  = 30 * time.Millisecond // from a frame's being published to its client, 99th percentile
)

var openStreams = flag.Int("streams", 15_000, "streams that the part of that name opens")

const streamsText = `One relay process with %d open streams of as many replies, each read by a connection of its own. Frames of %d bytes are
published as workers do it: a transaction that adds to the reply's Valkey stream, publishes and prolongs. The time to a client is from handing a frame to
the connection to Valkey until the client has read the event. Publisher and clients are one process, relay and Valkey one each, and all of them share the
machine's cores; what each used of one core stands beside it. Memory is the relay's resident set less what it had before the first stream.

Aims: %d KB a stream, %.0f ms at the 99th percentile with 4 frames a second each, a constant number of connections to Valkey.`

// streams measures the relay with many streams open.
func streams(ctx context.Context, b *bench) (section, error) {
	n, lasts := *openStreams, 15*time.Second
	if b.quick {
		n, lasts = min(n, 1000), 3*time.Second
	}
	r, err := rig.New(ctx, b.services, rig.Options{Log: b.log})
	if err != nil {
		return section{}, err
	}
	defer closeRig(r)
	shared, err := startValkey(ctx, b.root)
	if err != nil {
		return section{}, err
	}
	defer shared.stop()
	s := &stage{r: r}
	if err := errors.Join(r.RotateKeys(ctx), s.join(ctx)); err != nil {
		return section{}, err
	}
	refs, err := s.questions(ctx, n)
	if err != nil {
		return section{}, fmt.Errorf("ask %d questions: %w", n, err)
	}
	relay, err := r.Relay(ctx, append(direct(r), "VALKEY_ADDR="+shared.addr, "STREAMS_PER_USER=0", "STREAMS=0")...)
	if err != nil {
		return section{}, err
	}
	l := &crowd{url: relay.URL, token: s.token, refs: refs, shared: shared, relay: relay.PID()}
	t, notes, err := l.measure(ctx, lasts)
	return section{Title: "Open streams", Text: fmt.Sprintf(streamsText, n, len(frameText(0)), aimStream>>10, milliseconds(aimFrame)),
		Tables: []table{t}, Notes: notes}, err
}

// questions asks n of them, each in a chat of its own, with time enough to stay
// queued.
func (s *stage) questions(ctx context.Context, n int) ([]chat.Ref, error) {
	sender := &chat.Sender{Store: s.r.Chats, Queue: discard{}, Now: time.Now, NewID: id.New,
		Deadlines: map[quota.Plan]time.Duration{quota.Free: time.Hour}}
	refs, errs := make([]chat.Ref, n), make([]error, n)
	next := make(chan int)
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			for i := range next {
				var receipt chat.Receipt
				receipt, errs[i] = sender.Send(ctx, s.user, quota.Free, unlimited, chat.Question{Text: "Why?"})
				refs[i] = chat.Ref{User: s.user, Chat: receipt.Chat, Message: receipt.Reply}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	asking.Wait()
	return refs, errors.Join(errs...)
}

// measure opens all streams and publishes at rising rates.
func (c *crowd) measure(ctx context.Context, lasts time.Duration) (t table, notes string, err error) {
	t.Head = []string{"frames a second of each", "in all, asked", "published", "read", "p50, ms", "p99, ms", "of the aim",
		"KB a stream", "of the aim", "relay, cores", "Valkey, cores", "load, cores", "Valkey connections"}
	base := resident(c.relay)
	few := min(100, len(c.refs))
	if err := c.open(ctx, 0, few); err != nil {
		return t, "", err
	}
	first := c.shared.connections(ctx)
	began := time.Now()
	if err := c.open(ctx, few, len(c.refs)); err != nil {
		return t, "", err
	}
	opened := time.Since(began)
	n := int64(len(c.refs))
	quiet := (resident(c.relay) - base) / n
	for _, rate := range []float64{0.5, 1, 2, 4} {
		res, err := c.run(ctx, rate, lasts)
		if err != nil {
			return t, "", err
		}
		each := (resident(c.relay) - base) / n
		t.add(fmt.Sprint(rate), "%.0f", rate*float64(n), "%.0f", res.published, "%.0f", res.read,
			"%.1f", milliseconds(res.p50), "%.1f", milliseconds(res.p99), "%s", ratio(res.p99, aimFrame),
			"%.1f", float64(each)/1024, "%s", ratio(each, aimStream), "%.2f", res.relay, "%.2f", res.shared, "%.2f", res.own,
			"%d", c.shared.connections(ctx))
		fmt.Fprintln(os.Stderr, "bench: streams:", t.Rows[len(t.Rows)-1])
	}
	return t, fmt.Sprintf("Open and silent, a stream took %.1f KB. With %d streams the relay had %d connections to Valkey. %d streams were opened in %.0f s. "+
		"%d events came out of order or late by more than one frame; %d streams broke off.",
		float64(quiet)/1024, few, first, len(c.refs)-few, opened.Seconds(), c.wrong.Load(), c.broken.Load()), nil
}
