package work_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/fleet/engine"
	"parley/fleet/fleettest"
	"parley/fleet/frame"
	"parley/fleet/prompt"
	"parley/fleet/work"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/problem"
	"parley/shared/quota"
)

// world is everything around a worker, in memory: it keeps one reply, and no
// engine ever answers there.
type world struct {
	mu      sync.Mutex
	reply   chat.Message
	result  *chat.Result
	dropped bool
	commits int
	refuse  int // commits that fail before one is taken
	gone    bool
	till    time.Time // the question's deadline, as the table has it

	healthy bool
	chats   int
	holder  bool // somebody holds the lease
	lost    bool
	silent  bool   // Valkey doesn't say who has the lease
	blips   int    // frames that are refused before one is taken
	begun   string // published by the first attempt
	asked   string // what the engine was to go on from
	keeps   int
	claimed time.Time   // the last time
	ends    []time.Time // when the engine was left

	region work.Region
	during func(*fleettest.Queue) // runs beside the worker
	worker *work.Worker
}

func (w *world) change(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do()
}

func (w *world) Claim(context.Context, chat.Prompt) (chat.Message, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reply.Status.Ended() {
		return chat.Message{}, chat.ErrStale
	}
	w.reply.Status = chat.Running
	w.reply.Attempt++
	w.claimed = time.Now()
	return w.reply, nil
}

func (w *world) HandBack(_ context.Context, _ chat.Ref, attempt int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reply.Status != chat.Running || attempt > w.reply.Attempt {
		return chat.ErrStale
	}
	w.reply.HandedBack++
	return nil
}

func (w *world) Ended(context.Context, chat.Ref) (chat.Message, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reply, nil
}

func (w *world) Drop(context.Context, chat.Ref) error { w.dropped = true; return nil }

func (w *world) Recent(_ context.Context, ref chat.Ref, _ int) ([]chat.Message, error) {
	if w.gone {
		return nil, chat.ErrNoMessage
	}
	return []chat.Message{{ID: ref.Message, Role: chat.User, Text: "Why?", Deadline: w.till}}, nil
}

func (w *world) Report(context.Context, quota.Plan, string, chat.Pace, time.Time) error { return nil }

func (w *world) Load(context.Context) (engine.Load, error) { return engine.Load{}, engine.ErrNoLoad }

func (w *world) Before(context.Context, chat.Ref, int) ([]chat.Message, bool, error) {
	return nil, false, nil
}

func (w *world) Commit(_ context.Context, _ chat.Ref, attempt int, r chat.Result) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.commits++
	if w.commits <= w.refuse {
		return problem.New(problem.Unavailable, "unavailable", "")
	}
	if attempt != w.reply.Attempt || w.reply.Status.Ended() {
		return chat.ErrStale
	}
	w.reply.Status, w.result = r.Status, &r
	return nil
}

func (w *world) Health(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.healthy {
		return engine.ErrDown
	}
	return nil
}

func (w *world) Count(context.Context, []prompt.Turn) (int, error) { return 0, engine.ErrRefused }

func (w *world) Chat(ctx context.Context, r engine.Request) (*engine.Stream, error) {
	w.mu.Lock()
	w.chats++
	w.asked = r.Continue
	w.mu.Unlock()
	<-ctx.Done()
	w.change(func() { w.ends = append(w.ends, time.Now()) })
	return nil, context.Cause(ctx)
}

func (w *world) Begin(ctx context.Context, ref chat.Ref, attempt int) (*frame.Text, error) {
	if err := w.Append(ctx, ref, frame.Frame{Attempt: attempt, Seq: 1}); err != nil {
		return nil, err
	}
	return w.Text(ctx, ref)
}

func (w *world) Append(context.Context, chat.Ref, frame.Frame) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.blips > 0 {
		w.blips--
		return errSilent
	}
	return nil
}

func (w *world) Text(context.Context, chat.Ref) (*frame.Text, error) {
	var t frame.Text
	t.Add(frame.Frame{Attempt: 1, Seq: 2, Text: w.begun})
	return &t, nil
}

var errSilent = errors.New("no answer")

func (w *world) Take(context.Context, chat.Ref) (time.Duration, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.silent {
		return 0, errSilent
	}
	if w.holder {
		return 5500 * time.Millisecond, nil
	}
	return 0, nil
}
func (w *world) Release(context.Context, chat.Ref) error         { return nil }
func (w *world) Watch(ctx context.Context, _ chat.Ref, _ func()) { <-ctx.Done() }
func (w *world) Keep(_ context.Context, attempts map[chat.Ref]int) ([]chat.Ref, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keeps++
	if w.silent {
		return nil, errSilent
	}
	if w.lost {
		return slices.Collect(maps.Keys(attempts)), nil
	}
	return nil, nil
}

// run runs a worker on w for d with one prompt of that deadline, and ends it.
func (w *world) run(t *testing.T, d, deadline time.Duration) *fleettest.Queue {
	t.Helper()
	q := &fleettest.Queue{}
	question := id.New(time.Now())
	if w.reply.Status == "" {
		w.reply.Status = chat.Queued
	}
	p := chat.Prompt{Version: 1, User: id.New(time.Now()), Chat: id.New(time.Now()), Question: question, Reply: id.Next(question),
		Plan: quota.Free, Hour: quota.Hour(time.Now()), Deadline: time.Now().Add(deadline)}
	if err := q.Send(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	parts := work.Parts{Settings: work.Defaults(), Replies: w, History: w, Rates: w, Name: "w1", Engine: w, Frames: w, Leases: w, Stops: w,
		Queues: map[quota.Plan][]work.Queue{quota.Free: {q}}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	parts.Slots, parts.Context, parts.Grace, parts.Region = 2, 4096, time.Second, w.region
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	w.worker = work.New(parts)
	if w.during != nil {
		go w.during(q)
	}
	if err := w.worker.Run(ctx); err != nil {
		t.Error(err)
	}
	return q
}

func TestPromptPastItsDeadlineFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{healthy: true}
		q := w.run(t, time.Second, -time.Second)
		if w.result == nil || w.result.Status != chat.Failed || *w.result.Failure != chat.DeadlineExceeded || q.Len() > 0 || w.chats > 0 {
			t.Errorf("result %+v, %d prompts left, %d calls of the engine", w.result, q.Len(), w.chats)
		}
	})
}

// The prompt of a first try is delivered after its deadline; its key was tried again,
// which has been accepted with a deadline of its own.
func TestADeadlineThatWasMovedCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{healthy: true, till: time.Now().Add(time.Minute)}
		w.run(t, time.Second, -time.Second)
		if w.result != nil || w.chats == 0 {
			t.Errorf("result %+v, %d calls of the engine", w.result, w.chats)
		}
	})
}

// While the engine is away no prompt is taken; when it is back too late, the
// reply fails by its deadline.
func TestNothingIsTakenWhileTheEngineIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		time.AfterFunc(30*time.Second, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.reply.Attempt > 0 {
				t.Error("claimed while the engine was away")
			}
			w.healthy = true
		})
		w.run(t, 40*time.Second, 20*time.Second)
		if w.result == nil || *w.result.Failure != chat.DeadlineExceeded {
			t.Errorf("result %+v", w.result)
		}
	})
}

// A long answer is kept by heartbeats; at the worker's end it is handed back.
func TestHeartbeatsAndHandBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{healthy: true}
		q := w.run(t, time.Minute, time.Hour)
		if w.reply.Attempt != 1 || w.chats != 1 || w.result != nil {
			t.Errorf("attempt %d, %d calls of the engine, result %+v", w.reply.Attempt, w.chats, w.result)
		}
		if w.keeps < 11 || q.Extends < 12 {
			t.Errorf("%d heartbeats, %d extensions", w.keeps, q.Extends)
		}
		if got, _ := q.Receive(t.Context(), 1, 0); len(got) != 1 {
			t.Error("the prompt was not handed back")
		}
	})
}

func TestOnlyOneWorkerWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{healthy: true, holder: true}
		q := w.run(t, time.Second, time.Hour)
		if w.reply.Attempt != 0 || q.Len() != 1 || q.Deletes > 0 {
			t.Errorf("attempt %d, %d prompts, %d deletions", w.reply.Attempt, q.Len(), q.Deletes)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := &world{healthy: true, lost: true}
		q := w.run(t, 8*time.Second, time.Hour)
		if w.result != nil || q.Len() != 1 || w.chats != 1 {
			t.Errorf("after the lease was lost: result %+v, %d prompts", w.result, q.Len())
		}
	})
}

func TestEndedAndForgottenPromptsAreDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{healthy: true, reply: chat.Message{Status: chat.Cancelled}}
		if q := w.run(t, time.Second, time.Hour); q.Len() > 0 || w.chats > 0 {
			t.Error("the prompt of an ended reply stays")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := &world{healthy: true, gone: true}
		if q := w.run(t, time.Second, time.Hour); q.Len() > 0 || !w.dropped {
			t.Error("the prompt of a deleted question stays")
		}
	})
}

func TestReplyFailsAfterTooManyAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{healthy: true, reply: chat.Message{Attempt: 3}}
		q := w.run(t, time.Second, time.Hour)
		if w.result == nil || *w.result.Failure != chat.EngineFailed || q.Len() > 0 {
			t.Errorf("result %+v", w.result)
		}
	})
}

func TestCommitOutlivesAnAbsentTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{healthy: true, refuse: 5}
		q := w.run(t, 20*time.Second, -time.Second)
		if w.result == nil || w.commits != 6 || q.Len() > 0 {
			t.Errorf("result %+v after %d tries", w.result, w.commits)
		}
	})
}
