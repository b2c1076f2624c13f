package work

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"parley/fleet/metrics"
	"parley/fleet/trace"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/usage"
)

// verdict is what becomes of a prompt.
type verdict int

const (
	finished verdict = iota // its reply has ended: delete it
	handBack                // somebody else may try at once
	handLate                // somebody may try in a moment
	leave                   // somebody else is at it
)

// late is how long a prompt rests that met a failure on our side.
const late = 2 * time.Second

// job is the answering of one prompt.
type job struct {
	*Worker
	prompt   chat.Prompt
	ref      chat.Ref // the reply
	attempt  int      // 0 until it is claimed
	failures int      // attempts that failed or were cut off, this one included
	blame    bool     // what this attempt met is the prompt's own fault, perhaps
	// deadline of the start. It is later than the prompt's where the user sent again
	// with the same key, for which there is a prompt of its own, perhaps behind this one.
	deadline time.Time
	log      *slog.Logger
	tell     *teller
	usage    chat.Usage
	finish   string
	cut      bool     // the text has reached its limit
	files    []string // ids of those of the thread, once it was read
	// Of a completion, what it asks for; else nil or empty.
	asked   *chat.Completion
	options jsontext.Value
	prefix  string        // the answer's beginning that it dictates
	claimed time.Time     // when the claim got through
	began   time.Time     // when the engine was about to be asked
	record  *usage.Record // once the reply has ended
	meter   *metrics.Answer
	sent    time.Time // to the queue; zero if that doesn't say
	carried string    // traceparent of the request that asked, if it brought one
	span    trace.Span
}

// acquit notes of an attempt that is given up, or was overtaken, that it wasn't the
// prompt's fault: this worker lives. Where that fails it counts as one that failed.
func (j *job) acquit(what verdict) {
	if j.attempt == 0 || j.blame || what == finished {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	switch err := j.Replies.HandBack(ctx, j.ref, j.attempt); {
	case errors.Is(err, chat.ErrStale):
		return // it has ended elsewhere
	case err != nil:
		j.log.Warn("handing back was not noted; the attempt counts as failed", "attempt", j.attempt, "error", err.Error())
		return
	}
	j.counts.handedBack.Add(1)
}

// run claims the reply, answers, and stores how it ended.
func (j *job) run(ctx context.Context, cancel context.CancelCauseFunc) verdict {
	if j.Ready() != nil {
		return handLate // not claimed, so that an engine that is away costs no attempt
	}
	messages, err := j.traceClaim(ctx)
	switch {
	case errors.Is(err, chat.ErrStale):
		return j.found(ctx)
	case errors.Is(err, chat.ErrNoMessage):
		return j.drop(ctx)
	case err != nil:
		return j.failed(ctx, "claim", err)
	}
	j.claimed = j.Now()
	j.meter = j.Metrics.Begin(j.prompt.Plan, j.prompt.Model, id.Time(j.prompt.Reply), j.claimed)
	j.keeper.claimed(j.ref, j.attempt)
	history := j.readAhead(ctx, messages)
	begun, known, err := j.begin(ctx)
	if errors.Is(err, chat.ErrStale) {
		return j.overtaken()
	}
	passed := j.Now().After(j.deadline)
	switch {
	case passed && (j.attempt == 1 || !begun && known):
		return j.end(ctx, chat.Failed, &chat.DeadlineExceeded)
	case j.failures > j.MaxAttempts:
		j.counts.poisoned.Add(1)
		return j.end(ctx, chat.Failed, &chat.EngineFailed)
	}
	go j.Stops.Watch(ctx, j.ref, func() { cancel(errStopped) })
	j.began = j.Now()
	h := j.traceWait(ctx, history)
	j.files = h.sent
	if err = h.err; err == nil {
		err = j.answer(ctx, h.turns, h.size)
	}
	j.pace.note(j.ref.User, j.prompt.Plan, j.used(), j.Now().Sub(j.began), err == nil)
	return j.conclude(ctx, err)
}

// conclude turns the way in which answering ended into the reply's end.
func (j *job) conclude(ctx context.Context, err error) verdict {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errLost), errors.Is(err, errLost), errors.Is(err, chat.ErrStale):
		return j.overtaken()
	case err == nil:
		return j.end(ctx, chat.Done, nil)
	case errors.Is(cause, errStopped):
		j.finish = "cancelled"
		return j.end(ctx, chat.Cancelled, nil)
	case cause != nil:
		j.tell.flush(context.WithoutCancel(ctx))
		j.log.Info("the worker ends; the prompt is handed back", "attempt", j.attempt, "bytes", j.tell.len())
		return handBack
	case errors.Is(err, errAway):
		j.tell.flush(ctx)
		return handLate
	case errors.Is(err, errGaveUp):
		return j.end(ctx, chat.Failed, j.fault(err))
	default:
		return j.failed(ctx, "answer", err)
	}
}

// overtaken ends an attempt that isn't the reply's any more, or can't be sure to be.
func (j *job) overtaken() verdict {
	j.counts.lost.Add(1)
	j.log.Info("another attempt may have taken over", "attempt", j.attempt)
	return leave
}
