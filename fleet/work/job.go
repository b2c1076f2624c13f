package work

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"parley/fleet/frame"
	"parley/fleet/metrics"
	"parley/fleet/trace"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/problem"
	"parley/shared/queue"
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
	cut      bool // the text has reached its limit
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

// handle answers one delivery and settles it with its queue.
func (w *Worker) handle(ctx context.Context, q Queue, d queue.Delivery) {
	if d.Err != nil {
		w.reject(q, d)
		return
	}
	ref := d.Prompt.Ref()
	log := w.Log.With("user", ref.User, "reply", ref.Message, "plan", d.Prompt.Plan)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if !w.keeper.add(q, d, cancel) {
		w.counts.duplicate.Add(1)
		log.Info("a prompt came twice; it is being answered here")
		return
	}
	if w.taken(ctx, d, log) {
		return
	}
	j := &job{Worker: w, prompt: d.Prompt, ref: ref, log: log, sent: d.Sent, carried: d.Trace}
	ctx, j.span = w.Tracer.Reply(ctx, "answer", d.Trace, ref.Message)
	what := j.run(ctx, cancel)
	j.acquit(what)
	j.meter.End()
	j.span.End("")
	w.settle(ref, what, j.record, log)
}

// patient is the receive count from which on a prompt that a living worker holds
// is hidden for restLong: such a second prompt must not be received so often while
// a long answer is written that the queue gives it up.
const (
	patient  = 30
	restLong = time.Minute
)

// taken reports whether a living worker answers the prompt. It is hidden then
// until that worker's lease has ended, if it isn't prolonged: should the worker die,
// this may be the only delivery that is left.
func (w *Worker) taken(ctx context.Context, d queue.Delivery, log *slog.Logger) bool {
	wait, err := w.Leases.Take(ctx, d.Prompt.Ref())
	if err != nil {
		log.Warn("no lease; the queue's visibility has to do", "error", err.Error())
	}
	if err != nil || wait == 0 {
		return false
	}
	if d.ReceiveCount > patient {
		wait = restLong
	}
	w.counts.duplicate.Add(1)
	log.Info("a prompt came twice; a living worker holds it")
	for _, h := range w.keeper.remove(d.Prompt.Ref()) {
		w.show(h.queue, wait.Truncate(time.Second)+time.Second, h.receipt)
	}
	return true
}

// settle ends what run has begun: the lease, and all deliveries of the prompt.
func (w *Worker) settle(ref chat.Ref, what verdict, used *usage.Record, log *slog.Logger) {
	deliveries := w.keeper.remove(ref)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := w.Leases.Release(ctx, ref); err != nil {
		log.Warn("the lease stays until it ends by itself", "error", err.Error())
	}
	for _, h := range deliveries {
		switch what {
		case finished:
			w.remover.remove(ended{h.queue, h.receipt, used})
			used = nil // one record is enough
		case handBack:
			w.show(h.queue, 0, h.receipt)
		case handLate:
			w.show(h.queue, late, h.receipt)
		}
	}
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
	if j.gate.state() != nil {
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

const (
	announceTries = 5 // at frames that are away; a reader would see the reply start over
	announcePause = 300 * time.Millisecond
)

// announce begins the attempt's frames and returns those before. If there may be
// some it doesn't give up at once. A call that failed may have got through, so the
// next one goes on counting.
func (j *job) announce(ctx context.Context) (*frame.Text, error) {
	text, err := j.Frames.Begin(ctx, j.ref, j.attempt)
	for range announceTries {
		if err == nil || errors.Is(err, chat.ErrStale) || j.attempt == 1 || ctx.Err() != nil {
			break
		}
		sleep(ctx, announcePause)
		j.tell.seq++
		if err = j.Frames.Append(ctx, j.ref, frame.Frame{Attempt: j.attempt, Seq: j.tell.seq}); err == nil {
			text, err = j.Frames.Text(ctx, j.ref)
		}
	}
	return text, err
}

// begin announces the attempt and takes over what earlier ones have published;
// known says whether that is all there is.
func (j *job) begin(ctx context.Context) (begun, known bool, err error) {
	j.tell = newTeller(j.Frames, j.ref, j.attempt, j.Frame, j.Now, j.log)
	text, err := j.announce(ctx)
	switch {
	case errors.Is(err, chat.ErrStale):
		return false, false, err
	case err != nil:
		j.log.Warn("frames are away; the reply can't be watched", "error", err.Error())
		j.tell.unsure = true
		return false, false, nil
	case text.Broken:
		j.meter.Reset()
		return false, true, nil // the first frame will say that the text starts over
	}
	begun = text.String() != "" || len(text.Calls) > 0
	switch {
	case begun && j.constrained():
		j.tell.over = true
		j.meter.Reset()
	case begun:
		j.tell.resume(text)
		j.meter.Resume()
	}
	return begun, true, nil
}

// used is what the answer has used so far.
func (j *job) used() chat.Usage {
	u := j.usage
	u.CompletionTokens = max(u.CompletionTokens, j.tell.tokens)
	return u
}

// end stores the reply's end, then publishes it.
func (j *job) end(ctx context.Context, status chat.Status, failure *chat.Failure) verdict {
	ctx = context.WithoutCancel(ctx)
	j.usage = j.used()
	result := chat.Result{Status: status, Text: j.tell.text(), Calls: j.tell.calls, Finish: j.finish, Usage: j.usage, Failure: failure, Hour: j.prompt.Hour}
	if !j.tell.flush(ctx) {
		return j.overtaken()
	}
	if err := j.traceCommit(ctx, result); err != nil {
		return j.failed(ctx, "commit", err)
	}
	j.note(result)
	j.tell.end(ctx, &frame.End{Status: status, Finish: result.Finish, Usage: &result.Usage, Failure: failure})
	j.log.Info("reply ended", "status", status, "attempt", j.attempt, "finish", j.finish,
		"prompt_tokens", j.usage.PromptTokens, "completion_tokens", j.usage.CompletionTokens, "cached_tokens", j.usage.CachedTokens)
	return finished
}

// patience is how long a table that is away may keep a finished reply waiting.
const patience = 2 * time.Minute

// commit stores the result, trying again while the table is away. A lost answer
// of an earlier try looks like ErrStale then; the prompt's next delivery finds
// the reply ended.
func (j *job) commit(ctx context.Context, r chat.Result) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := j.Replies.Commit(ctx, j.ref, j.attempt, r)
		if err == nil || !problem.Retryable(err) || ctx.Err() != nil {
			return err
		}
		j.log.Warn("storing the reply failed; trying again", "error", err.Error())
		sleep(ctx, pause)
	}
}

// drop forgets a reply whose question is gone.
func (j *job) drop(ctx context.Context) verdict {
	j.counts.forgotten.Add(1)
	j.log.Info("the question is gone")
	if err := j.Replies.Drop(ctx, j.ref); err != nil {
		return j.failed(ctx, "drop", err)
	}
	return finished
}

// failed logs a failure that isn't the engine's and says what to do.
func (j *job) failed(ctx context.Context, what string, err error) verdict {
	switch {
	case errors.Is(err, chat.ErrStale), errors.Is(context.Cause(ctx), errLost):
		return j.overtaken()
	case context.Cause(ctx) != nil:
		return handBack
	}
	j.blame = problem.From(err).Kind != problem.Unavailable
	j.log.Error("a prompt met a failure", "doing", what, "attempt", j.attempt, "error", err.Error())
	return handLate
}
