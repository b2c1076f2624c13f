package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"time"

	"parley/fleet/engine"
	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/fleet/frame"
	"parley/fleet/routertest"
	"parley/fleet/valkey"
	"parley/fleet/work"
	"parley/shared/id"
	"parley/shared/quota"
)

// Aims of routing.
const (
	aimHits = 0.90 // of the ceiling
	aimPeak = 1.25 // busiest replica, of the mean
)

const replicas = 8

// policies of the router that keep a chat at its replica, the one that Parley
// recommends first.
var policies = []string{"consistent_hash", "sticky_least_loaded", "cache_aware"}

// prefix replays a trace through a worker and the router in front of replicas.
func prefix(ctx context.Context, b *bench) (section, error) {
	s := section{Title: "Prefix-cache hits behind the router"}
	path := os.Getenv("TRACE")
	if path == "" {
		s.Text, s.Skipped = "Not measured: TRACE doesn't name a Mooncake trace (`make bench TRACE=…/mooncake_conversation.jsonl`).", true
		return s, nil
	}
	most, span := math.MaxInt, 40*time.Second
	if b.quick {
		most, span = 500, 4*time.Second
	}
	trace, err := readTrace(path, most)
	if err != nil {
		return s, err
	}
	top := ceiling(trace, false)
	t := table{Head: []string{"policy", "hits, % of prompt tokens", "of the ceiling", "busiest replica by requests, of the mean", "by tokens that it worked out"}}
	t.add("the ceiling: one unlimited cache for all", "%.1f", 100*top, "%.3f", 1.0, "%s", "", "%s", "")
	t.add("the same with a salt for each conversation", "%.1f", 100*ceiling(trace, true), "%.3f", ceiling(trace, true)/top, "%s", "", "%s", "")
	var first routed
	for i, policy := range policies {
		got, err := b.route(ctx, policy, trace, span)
		if err != nil {
			return s, fmt.Errorf("%s: %w", policy, err)
		}
		if i == 0 {
			first = got
		}
		t.add("`"+policy+"`", "%.1f", 100*got.hits, "%.3f", got.hits/top, "%.2f", got.requests, "%.2f", got.tokens)
	}
	s.Text = fmt.Sprintf(prefixText, len(trace), float64(trace[len(trace)-1].At)/60_000, replicas, span.Seconds(), wordTokens)
	s.Tables = []table{t}
	s.Notes = fmt.Sprintf("`%s` has %.0f %% of the ceiling (aim: %.0f %%), and its busiest replica %.2f of the mean by requests, %.2f by work (aim: %.2f at most).",
		policies[0], 100*first.hits/top, 100*aimHits, first.requests, first.tokens, aimPeak)
	return s, nil
}

const prefixText = `%d requests of a chat service, %.0f minutes of the trace that TRACE names, go through a worker and the real vLLM Router to %d replicas of the deterministic engine, whose caches of prompt prefixes are
unlimited, in %.0f s for each policy; one word of a prompt stands for %d tokens. A conversation is what has the same second block of 512 tokens (the first is the same in all), and is a chat of a user of its own. So its prompts
carry a salt of their own, and even the first block is worked out once for each conversation: that is the price of caches that tell nobody what others asked. Queue and rows are in memory, the rest is real.

Aims: 90 %% of the ceiling; the busiest replica at most 1.25 times the mean.
`

// routed is how well a policy did.
type routed struct {
	hits             float64 // of all prompt tokens
	requests, tokens float64 // the busiest replica's, of the mean
}

// route replays the trace under one policy, in that time.
func (b *bench) route(ctx context.Context, policy string, trace []request, span time.Duration) (got routed, err error) {
	c := &crew{}
	defer c.Close()
	engines, urls := make([]*enginetest.Engine, replicas), make([]string, replicas)
	for i := range engines {
		engines[i] = &enginetest.Engine{Words: 3, Slots: 1000, CacheBlocks: math.MaxInt, CacheBlock: blockWords, Context: 1 << 20}
		if urls[i], err = c.serve(engines[i]); err != nil {
			return got, err
		}
	}
	router, err := routertest.StartRouter(ctx, b.root, routertest.Settings{Policy: policy, Engines: urls})
	if err != nil {
		return got, err
	}
	defer router.Kill()
	if err := b.replay(ctx, router.URL, trace, span); err != nil {
		return got, err
	}
	return tally(engines), nil
}

// replay sends each request at its time to a worker of that engine, and returns
// when all replies have ended.
func (b *bench) replay(ctx context.Context, engineURL string, trace []request, span time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, span+3*time.Minute)
	defer cancel()
	s, queue := newScript(trace), &fleettest.Queue{}
	ended := make(chan error, 1)
	working, stop := context.WithCancel(ctx)
	defer stop()
	go func() { ended <- work.New(b.parts(working, s, queue, engineURL)).Run(working) }()
	scale := float64(span) / float64(max(trace[len(trace)-1].At, 1))
	began := time.Now()
	for n, r := range trace {
		time.Sleep(time.Until(began.Add(time.Duration(scale * float64(r.At)))))
		if err := errors.Join(ctx.Err(), queue.Send(ctx, s.prompt(n))); err != nil {
			return err
		}
	}
	for s.left() > 0 {
		select {
		case err := <-ended:
			return errors.Join(err, errors.New("the worker ended"))
		case <-ctx.Done():
			return fmt.Errorf("%d of %d replies have not ended: %w", s.left(), len(trace), ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
	stop()
	return errors.Join(<-ended, s.failed())
}

// parts are those of a worker of the script.
func (b *bench) parts(ctx context.Context, s *script, q work.Queue, engineURL string) work.Parts {
	log := slog.New(slog.DiscardHandler)
	shared := valkey.Open(valkey.Settings{Addr: b.services.Valkey})
	context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, func() { shared.Close() }) })
	p := work.Parts{Settings: work.Defaults(), Replies: s, History: s, Rates: s, Name: "bench", Now: time.Now, Log: log,
		Queues: map[quota.Plan][]work.Queue{quota.Free: {q}}, Frames: frame.NewLog(shared),
		Engine: engine.New(engine.Settings{URL: engineURL, Model: "small", FirstToken: time.Minute, Idle: time.Minute}),
		Leases: valkey.NewLeases(shared, id.New(time.Now()), work.Defaults().Lease),
		Stops:  valkey.NewStops(shared, valkey.NewHub(ctx, shared, log)),
	}
	p.Slots, p.Context, p.MaxTokens = 64, 1<<20, 64
	return p
}

// tally adds up what the replicas have done.
func tally(engines []*enginetest.Engine) routed {
	var hit, prompt, requests, worked, mostRequests, mostWorked float64
	for _, e := range engines {
		n, own := 0.0, 0.0
		for _, entry := range e.Entries() {
			n, own = n+1, own+float64(entry.Prompt-entry.Cached+entry.Sent)
			hit, prompt = hit+float64(entry.Cached), prompt+float64(entry.Prompt)
		}
		requests, worked = requests+n, worked+own
		mostRequests, mostWorked = max(mostRequests, n), max(mostWorked, own)
	}
	n := float64(len(engines))
	return routed{hits: hit / prompt, requests: mostRequests / (requests / n), tokens: mostWorked / (worked / n)}
}
