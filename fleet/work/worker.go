// Package work is the worker: it takes prompts from the queues, has the engine
// answer them, publishes what comes and stores it.
//
// # A prompt's way
//
// intake.go, desk.go and round.go take a prompt when the engine is well (gate.go) and has
// room (limit.go). deliver.go takes the lease, so that a second delivery leaves a
// living worker alone; job.go claims the reply: from its attempt number on every
// write is conditional. context.go reads as much of the chat as the model can
// hold, attached.go what was sent along with it, begin.go takes over what earlier attempts have published, answer.go
// streams and outlives an engine's failures, tell.go publishes. At the end the
// reply is committed, then its end is published, so that whoever hears of the end
// can read it (end.go); then what it has used is written down and the prompt
// deleted (record.go, remove.go). Meanwhile keep.go prolongs visibility and lease
// of everything that runs, in batches. trace.go and state.go let others watch.
//
// # When something fails
//
// A worker that dies leaves the prompt to the queue. That shows it again 13 s after
// it was received or the last heartbeat, so that another worker has time to be at
// it within 15 s of the death; the frames that were published are where it goes on.
// A worker that can't be sure any more to hold a prompt stops and writes nothing
// more (keep.go), and so does one whose region was away and doesn't know yet what
// others have answered meanwhile (region.go). An engine that is away costs nothing but time. Without Valkey
// everything goes on but the watching.
package work

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"parley/fleet/engine"
	"parley/fleet/frame"
	"parley/fleet/metrics"
	"parley/fleet/prompt"
	"parley/fleet/trace"
	"parley/shared/chat"
	"parley/shared/queue"
	"parley/shared/quota"
)

// Replies keeps where replies stand.
type Replies interface {
	Claim(ctx context.Context, p chat.Prompt) (chat.Message, error)
	HandBack(ctx context.Context, ref chat.Ref, attempt int) error
	Commit(ctx context.Context, ref chat.Ref, attempt int, r chat.Result) error
	Drop(ctx context.Context, ref chat.Ref) error
	Ended(ctx context.Context, ref chat.Ref) (chat.Message, error)
}

// History reads what was said before.
type History interface {
	Recent(ctx context.Context, ref chat.Ref, n int) ([]chat.Message, error)
	Before(ctx context.Context, ref chat.Ref, limit int) (messages []chat.Message, more bool, err error)
}

// Queue is a queue of prompts; a plan has one or several.
type Queue interface {
	Receive(ctx context.Context, most int, wait time.Duration) ([]queue.Delivery, error)
	Delete(ctx context.Context, receipts ...string) error
	Extend(ctx context.Context, visibility time.Duration, receipts ...string) error
}

// Engine answers prompts.
type Engine interface {
	Health(ctx context.Context) error
	Count(ctx context.Context, turns []prompt.Turn) (int, error)
	Chat(ctx context.Context, r engine.Request) (*engine.Stream, error)
	Load(ctx context.Context) (engine.Load, error)
}

// Frames publishes replies.
type Frames interface {
	Begin(ctx context.Context, ref chat.Ref, attempt int) (*frame.Text, error)
	Append(ctx context.Context, ref chat.Ref, f frame.Frame) error
	Text(ctx context.Context, ref chat.Ref) (*frame.Text, error)
}

// Leases say which worker writes a reply.
type Leases interface {
	Take(ctx context.Context, ref chat.Ref) (wait time.Duration, err error)
	Keep(ctx context.Context, attempts map[chat.Ref]int) (lost []chat.Ref, err error)
	Release(ctx context.Context, ref chat.Ref) error
}

// Stops brings the users' wish to stop.
type Stops interface {
	Watch(ctx context.Context, ref chat.Ref, stop func())
}

// Settings of a worker.
type Settings struct {
	System      string        // system prompt, may be empty
	Slots       int           // answers at once, at most; 0: as many as the engine turns out to have room for
	Context     int           // tokens of one prompt and its answer
	MaxTokens   int           // of one answer
	MaxAttempts int           // that may fail, of one reply, and failures of the engine within one
	Priorities  bool          // the engine is told which prompts go first
	Visibility  time.Duration // of a prompt that is being answered
	Lease       time.Duration // below Visibility: who gets a dead worker's prompt finds its lease gone
	Heartbeat   time.Duration // how often both are prolonged
	Frame       time.Duration // shortest time between two frames of a reply
	Hold        time.Duration // how long a prompt is kept while the engine is away
	Grace       time.Duration // for running answers after a request to end
	Gather      time.Duration // how long usage records wait to fill a file; well below Visibility
}

// Defaults returns the settings that don't depend on the engine.
func Defaults() Settings {
	return Settings{
		MaxTokens: 4096, MaxAttempts: 3, Visibility: 13 * time.Second, Lease: 12 * time.Second, Heartbeat: 4 * time.Second,
		Frame: 100 * time.Millisecond, Hold: 10 * time.Second, Grace: 20 * time.Second,
		Gather: 8 * time.Second,
	}
}

// Parts is what a worker is made of.
type Parts struct {
	Settings
	Replies Replies
	History History
	Queues  map[quota.Plan][]Queue
	Engine  Engine
	Frames  Frames
	Leases  Leases
	Stops   Stops
	Rates   Rates
	// Files and Contents are needed where messages have files; Sees says which models
	// take pictures, nil: none.
	Files    Files
	Contents Contents
	Sees     func(model string) bool

	Region  Region          // nil: there is one
	Indexes Indexes         // nil: nothing is indexed
	Usage   Usage           // nil: none is kept
	Metrics *metrics.Worker // nil: nothing is counted
	Tracer  *trace.Tracer   // nil: nothing is traced
	Name    string          // of this worker, among all
	Now     func() time.Time
	Log     *slog.Logger
}

// Worker answers prompts.
type Worker struct {
	Parts
	gate    *gate
	limit   *limit
	desk    *desk
	keeper  *keeper
	remover *remover
	pace    *pace
	counts  counts

	contents *cache
}

// Why a job's context ends.
var (
	errStopped  = errors.New("the user asked to stop")
	errLost     = errors.New("another worker has, or may have, taken over")
	errShutdown = errors.New("the worker is ending")
)

// New returns a worker that does nothing yet.
func New(p Parts) *Worker {
	if p.Region != nil {
		p.Replies = within{p.Replies, p.Region}
	}
	w := &Worker{Parts: p, gate: newGate(p.Engine, p.Log), limit: newLimit(p.Slots, p.Engine, p.Now)}
	w.keeper, w.remover, w.pace = newKeeper(w), newRemover(w), newPace(w)
	w.desk, w.contents = newDesk(w), newCache(cacheRoom)
	w.limit.changed = w.desk.look
	return w
}

// Run works until ctx ends. Then it takes no more prompts, gives running answers
// Grace to finish, and hands back the rest.
func (w *Worker) Run(ctx context.Context) error {
	// What jobs need lives on until the last of them has ended.
	jobs, endJobs := context.WithCancelCause(context.WithoutCancel(ctx))
	support, endSupport := context.WithCancel(context.WithoutCancel(ctx))
	var helpers, running sync.WaitGroup
	helpers.Go(func() { w.gate.run(support) })
	helpers.Go(func() { w.limit.run(support) })
	helpers.Go(func() { w.keeper.run(support) })
	helpers.Go(func() { w.remover.run(support) })
	helpers.Go(func() { w.pace.run(support) })
	defer context.AfterFunc(ctx, func() {
		sleep(jobs, w.Grace)
		endJobs(errShutdown)
	})()
	w.intake(ctx, func(t ticket) {
		running.Go(func() {
			defer w.desk.leave(t)
			w.handle(jobs, t.queue, t.Delivery)
		})
	})
	running.Wait()
	endJobs(errShutdown)
	endSupport()
	helpers.Wait()
	w.remover.finish()
	return nil
}

// Ready returns nil if the worker takes prompts, and the reason if it doesn't.
func (w *Worker) Ready() error {
	if w.Region != nil {
		if err := w.Region.State(); err != nil {
			return err
		}
	}
	return w.gate.state()
}
