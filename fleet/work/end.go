package work

import (
	"context"
	"errors"
	"time"

	"parley/fleet/frame"
	"parley/shared/chat"
	"parley/shared/problem"
)

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
	result := chat.Result{Status: status, Text: j.tell.text(), Calls: j.tell.calls, Finish: j.finish, Usage: j.usage, Failure: failure, Hour: j.prompt.Hour, Sent: j.files}
	if !j.tell.flush(ctx) {
		return j.overtaken()
	}
	if err := j.traceCommit(ctx, result); err != nil {
		return j.failed(ctx, "commit", err)
	}
	j.note(result)
	j.tell.end(ctx, &frame.End{Status: status, Finish: result.Finish, Usage: &result.Usage, Failure: failure})
	j.index(ctx, result)
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
