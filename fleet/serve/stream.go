package serve

import (
	"context"
	"net/http"
	"time"

	"parley/fleet/frame"
	"parley/shared/api"
	"parley/shared/chat"
	"parley/shared/problem"
)

// stream sends a reply as server-sent events, from where the client stands.
func (r *Relay) stream(w http.ResponseWriter, req *api.Request) error {
	ref, err := refOf(req)
	if err != nil {
		return err
	}
	from, fresh, err := positionOf(req)
	if err != nil {
		return err
	}
	read := r.reply
	if fresh {
		read = r.glance
	}
	m, err := read(req.Context(), ref)
	if err != nil {
		return err
	}
	if from.Ended && m.Status.Ended() && from.Offset == len(m.Text) && from.Within(m.Text) {
		w.WriteHeader(http.StatusNoContent) // tells an EventSource not to come again
		return nil
	}
	from.Ended = false
	s := &session{Relay: r, ref: ref, out: newEvents(w, r.Write, from), proven: from.Offset == 0}
	if err := s.run(req.Context(), m, fresh); err != nil && req.Context().Err() == nil {
		r.Log.InfoContext(req.Context(), "a stream broke off", "request_id", req.ID, "user", ref.User,
			"reply", ref.Message, "offset", s.out.pos.Offset, "error", err.Error())
	}
	return nil
}

// positionOf reads from where to go on: the header that browsers send when they
// reconnect, else the parameter.
func positionOf(req *api.Request) (from frame.Position, fresh bool, err error) {
	last := req.Header.Get("Last-Event-ID")
	if last == "" {
		last = req.URL.Query().Get("after")
	}
	from, err = frame.ParsePosition(last)
	return from, last == "", err
}

// session is one client's stream.
type session struct {
	*Relay
	ref    chat.Ref
	out    *events
	last   frame.Frame // newest frame that was looked at
	proven bool        // what the client has is the beginning of this reply's text
	reread time.Time   // when the frames may be read as a whole again
	ended  bool
}

func (s *session) run(ctx context.Context, m chat.Message, fresh bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if fresh || m.Attempt != s.out.pos.Attempt {
		if err := s.out.status(m.Status, m.Attempt, false); err != nil {
			return err
		}
	}
	if m.Status.Ended() {
		return s.finish(m)
	}
	frames := s.follow(ctx, s.ref)
	comment := time.NewTicker(s.Comment)
	defer comment.Stop()
	look := time.NewTimer(s.Look)
	defer look.Stop()
	for !s.ended {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-s.Done:
			return nil
		case <-comment.C:
			err = s.out.comment()
		case b := <-frames:
			err = s.batch(ctx, b)
			look.Reset(s.pause(b))
		case <-look.C:
			err = s.look(ctx)
			look.Reset(s.Look)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pause is how long to wait for more before looking into the table.
func (s *session) pause(b batch) time.Duration {
	if b.err != nil {
		return s.Away
	}
	return s.Look
}

// batch sends what frames bring. That Valkey is away is no error: look goes on.
func (s *session) batch(ctx context.Context, b batch) error {
	for _, f := range b.frames {
		if s.ended || !f.After(s.last) {
			continue
		}
		if !s.proven {
			if err := s.reload(ctx); err != nil {
				return err
			}
			continue
		}
		s.last = f
		if err := s.frame(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) frame(ctx context.Context, f frame.Frame) error {
	if f.Attempt > s.out.pos.Attempt {
		if err := s.out.status(chat.Running, f.Attempt, false); err != nil {
			return err
		}
	}
	switch {
	case f.End != nil && f.Start == s.out.pos.Offset:
		s.ended = true
		return s.out.end(f.End)
	case f.End != nil:
		return s.look(ctx)
	case f.Text == "":
		return nil
	case f.Start == s.out.pos.Offset:
		return s.out.delta(f.Text)
	case f.Start == 0:
		return s.out.whole(f.Text, chat.Running, f.Attempt)
	default:
		s.proven = false
		return s.reload(ctx)
	}
}

// reload reads all frames, to prove what the client has or to close a gap. It
// does so seldom, because a gap may stay until the reply has ended.
func (s *session) reload(ctx context.Context) error {
	if s.Now().Before(s.reread) {
		return nil
	}
	s.reread = s.Now().Add(s.Look)
	text, err := s.Frames.Text(ctx, s.ref)
	if err != nil || text.Broken || text.String() == "" {
		return nil // what can't be read now is in the table when the reply has ended
	}
	s.last, s.proven = text.Last, true
	if text.Last.Attempt > s.out.pos.Attempt {
		if err := s.out.status(chat.Running, text.Last.Attempt, false); err != nil {
			return err
		}
	}
	if err := s.out.whole(text.String(), chat.Running, text.Last.Attempt); err != nil || text.Last.End == nil {
		return err
	}
	s.ended = true
	return s.out.end(text.Last.End)
}

// look asks the table how the reply stands.
func (s *session) look(ctx context.Context) error {
	m, err := s.reply(ctx, s.ref)
	switch {
	case err == nil && m.Status.Ended():
		return s.finish(m)
	case err == nil && m.Attempt > s.out.pos.Attempt:
		return s.out.status(m.Status, m.Attempt, false)
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

// finish sends the rest of a stored reply.
func (s *session) finish(m chat.Message) error {
	s.ended = true
	if err := s.out.whole(m.Text, m.Status, m.Attempt); err != nil {
		return err
	}
	return s.out.end(frame.EndOf(m))
}
