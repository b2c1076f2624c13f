package serve

import (
	"context"
	"math"
	"time"

	"parley/fleet/frame"
	"parley/shared/chat"
	"parley/shared/problem"
)

// lookLimit bounds one look into the table.
const lookLimit = 5 * time.Second

// lookUp asks the table how the reply stands.
func (s *session) lookUp(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	m, err := s.reply(limited, s.ref)
	switch {
	case err == nil && m.Status.Ended():
		return s.finish(m)
	case err == nil && m.Attempt > s.out.pos.Attempt:
		return s.standing(ctx, m)
	case err == nil && m.Status == chat.Queued:
		return s.waiting(ctx, m)
	case err == nil && !s.proven:
		return s.reload(ctx)
	case problem.From(err) != nil && problem.From(err).Kind == problem.NotFound:
		s.ended = true // deleted while it was watched
		return s.out.end(&frame.End{Status: chat.Failed, Failure: &chat.Failure{Code: "not_found", Detail: chat.ErrNoMessage.Message}})
	case err != nil:
		s.Log.WarnContext(ctx, "the table is away; the stream goes on with frames", "reply", s.ref.Message, "error", err.Error())
	}
	return nil
}

// standing says how the reply stands, and of a queued one how long it may take.
func (s *session) standing(ctx context.Context, m chat.Message) error {
	s.queue = nil
	if m.Status == chat.Queued {
		s.queue = s.outlook(ctx)
	}
	return s.out.tell(statusEvent{Status: m.Status, Attempt: m.Attempt, Queue: s.queue})
}

// waiting says how long a queued reply may take if that has changed.
func (s *session) waiting(ctx context.Context, m chat.Message) error {
	now := s.outlook(ctx)
	if now == nil || s.queue != nil && *now == *s.queue {
		return nil
	}
	s.queue = now
	return s.out.tell(statusEvent{Status: m.Status, Attempt: m.Attempt, Queue: now})
}

// outlook makes this reply's outlook out of that of one that is queued now: who
// came later is not before it.
func (s *session) outlook(ctx context.Context) *chat.Outlook {
	if s.Lookout == nil {
		return nil
	}
	now := s.Lookout.Outlook(ctx, s.plan)
	if s.queue != nil && now.Ahead > s.queue.Ahead {
		now.ETA = math.Ceil(now.ETA * float64(s.queue.Ahead) / float64(now.Ahead))
		now.Ahead = s.queue.Ahead
	}
	return &now
}

// finish sends the rest of a stored reply.
func (s *session) finish(m chat.Message) error {
	s.ended = true
	if err := s.out.whole(m.Text, m.Status, m.Attempt); err != nil {
		return err
	}
	return s.out.end(frame.EndOf(m))
}
