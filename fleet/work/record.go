package work

import (
	"context"
	"errors"

	"parley/shared/chat"
	"parley/shared/usage"
)

// note keeps what the reply that this job has just ended has used.
func (j *job) note(r chat.Result) {
	now := j.Now()
	rec := usage.Of(j.prompt, j.attempt, r, now)
	asked := rec.AskedAt()
	rec.QueueMS, rec.TotalMS = max(j.claimed.Sub(asked).Milliseconds(), 0), max(now.Sub(asked).Milliseconds(), 0)
	if !j.began.IsZero() {
		rec.EngineMS = now.Sub(j.began).Milliseconds()
	}
	j.record = &rec
	j.meter.Reply(r.Status, r.Usage)
}

// found settles a prompt whose reply has ended without this job: it was cancelled
// before it began, or whoever ended it died before its prompt was deleted.
func (j *job) found(ctx context.Context) verdict {
	m, err := j.Replies.Ended(ctx, j.ref)
	switch {
	case errors.Is(err, chat.ErrNoMessage):
		return finished // taken back or deleted: nobody pays for it
	case err != nil:
		return j.failed(ctx, "read the ended reply", err)
	}
	if m.Status.Ended() {
		rec := usage.Find(j.prompt, m, j.Now())
		j.record = &rec
	}
	return finished
}
