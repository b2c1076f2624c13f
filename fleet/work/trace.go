package work

import (
	"context"
	"errors"

	"parley/fleet/engine"
	"parley/fleet/trace"
	"parley/shared/chat"
	"parley/shared/id"
)

// traceClaim claims under a span. The first attempt also makes the spans of what was
// before it: the reply's acceptance and its time in the queue.
func (j *job) traceClaim(ctx context.Context) ([]chat.Message, error) {
	began := j.Now()
	claiming, span := j.Tracer.Part(ctx, "claim")
	messages, err := j.claim(claiming)
	span.Count("attempt", j.attempt)
	span.End(trouble(err))
	j.span.Set("plan", string(j.prompt.Plan))
	j.span.Set("model", j.prompt.Model)
	j.span.Count("attempt", j.attempt)
	if j.attempt == 1 && !j.sent.IsZero() {
		j.Tracer.Send(ctx, j.carried, j.ref.Message, id.Time(j.ref.Message), j.sent)
		j.Tracer.Past(ctx, "queue", j.carried, j.ref.Message, j.sent, began)
	}
	return messages, err
}

// traceWait waits for the chat's history under a span.
func (j *job) traceWait(ctx context.Context, done <-chan history) history {
	_, span := j.Tracer.Part(ctx, "context")
	h := <-done
	span.Count("messages", len(h.turns))
	span.Count("files", len(h.sent))
	span.Count("prompt_tokens", h.size)
	span.End(trouble(h.err))
	return h
}

// traceEngine begins the span of one call of the engine.
func (j *job) traceEngine(ctx context.Context) (context.Context, trace.Span) {
	ctx, span := j.Tracer.Part(ctx, "engine")
	span.Count("begun_bytes", j.tell.len())
	return ctx, span
}

func (j *job) traceEngineEnd(span trace.Span, err error) {
	u := j.used()
	span.Count("completion_tokens", u.CompletionTokens)
	span.Count("cached_tokens", u.CachedTokens)
	span.End(trouble(err))
}

// traceCommit stores the result under a span.
func (j *job) traceCommit(ctx context.Context, r chat.Result) error {
	ctx, span := j.Tracer.Part(ctx, "commit")
	err := j.commit(ctx, r)
	span.End(trouble(err))
	j.span.Set("status", string(r.Status))
	return err
}

// trouble names an error in words of ours, as an error's own may quote what the
// engine or a user said.
func trouble(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, chat.ErrStale):
		return "stale"
	case errors.Is(err, chat.ErrNoMessage):
		return "gone"
	case errors.Is(err, context.Canceled), errors.Is(err, errStopped), errors.Is(err, errLost), errors.Is(err, errShutdown):
		return "ended"
	case errors.Is(err, engine.ErrDown):
		return "engine down"
	case errors.Is(err, engine.ErrBroke):
		return "engine broke off"
	case errors.Is(err, engine.ErrRefused):
		return "engine refused"
	}
	return "failed"
}
