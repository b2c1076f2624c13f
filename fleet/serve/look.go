package serve

import (
	"context"
	"math"
	"time"

	"parley/fleet/frame"
	"parley/shared/chat"
	"parley/shared/problem"
)

const (
	lookLimit = 5 * time.Second // for one look into the table
	looksOnce = 64              // looks at once: streams that all want to know wait for each other, not for the table
	lookLess  = 4               // how many times Look a stream that looks in vain waits at most
)

// seldom doubles the time until the next look after one that was in vain: many
// streams may wait long, and frames tell all that matters unless something is away.
func (s *session) seldom(now time.Time) {
	s.idle = min(max(2*s.idle, s.Look), lookLess*s.Look)
	s.table = now.Add(s.idle)
}

// apart reads on another goroutine: the SDK needs a deep stack, which the stream
// would keep.
func (s *session) apart(ctx context.Context, read reading) (m chat.Message, err error) {
	select {
	case s.looking <- struct{}{}:
	case <-ctx.Done():
		return m, ctx.Err()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		limited, cancel := context.WithTimeout(ctx, lookLimit)
		defer cancel()
		m, err = read(limited, s.ref)
		<-s.looking
	}()
	<-done
	return m, err
}

// reading is one of the ways to read a reply.
type reading func(context.Context, chat.Ref) (chat.Message, error)

// lookUp asks the table how the reply stands.
func (s *session) lookUp(ctx context.Context, read reading) error {
	m, err := s.apart(ctx, read)
	switch {
	case err == nil && m.Status.Ended():
		return s.finish(m)
	case err == nil && m.Attempt > s.out.pos.Attempt:
		return s.standing(ctx, m)
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
func (s *session) waiting(ctx context.Context) error {
	now := s.outlook(ctx)
	if *now == *s.queue {
		return nil
	}
	s.queue = now
	return s.out.tell(statusEvent{Status: chat.Queued, Attempt: s.out.pos.Attempt, Queue: now})
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
