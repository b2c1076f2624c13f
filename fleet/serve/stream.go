package serve

import (
	"context"
	"errors"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"parley/fleet/frame"
	"parley/shared/api"
	"parley/shared/chat"
	"parley/shared/quota"
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
	leave, err := r.Enter(req)
	if err != nil {
		return err
	}
	left := false
	defer func() {
		if !left {
			leave()
		}
	}()
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
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
	if req.Method == http.MethodHead {
		return nil
	}
	out, err := newWire(w, req, r.Write)
	if err != nil {
		return err
	}
	s := &session{Relay: r, request: req.ID, plan: req.User.Plan, ref: ref, fresh: fresh, proven: from.Offset == 0}
	s.out = &events{wire: out, pos: from, reset: func() { r.Metrics.Reset(s.plan) }}
	s.out.pos.Ended = false
	left = true
	over := r.watched(req, ref, fresh)
	r.streams.Go(func() {
		defer leave()
		over(s.serve(m))
	})
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

// session is one client's stream: one goroutine, and nothing kept that there is a
// copy of elsewhere, for there are thousands.
type session struct {
	*Relay
	request string // its id
	plan    quota.Plan
	ref     chat.Ref
	out     *events
	reader  *frame.Reader
	last    frame.Frame   // newest frame that was looked at
	queue   *chat.Outlook // as the client has been told
	reread  time.Time     // when the frames may be read as a whole again
	look    time.Time     // when to see after it
	table   time.Time     // when to look into the table, at the next look
	idle    time.Duration // between the last two looks that were in vain
	comment time.Time     // when to send a comment
	fresh   bool          // the client begins
	proven  bool          // what the client has is the beginning of this reply's text
	ended   bool
}

// serve sends the reply from m on, and ends the answer; ended says whether the
// reply has, too.
func (s *session) serve(m chat.Message) (ended bool, err error) {
	whole := false
	defer func() {
		if p := recover(); p != nil { // one stream must not end the others
			s.Log.Error("a stream panicked", "request_id", s.request, "reply", s.ref.Message, "panic", p, "stack", string(debug.Stack()))
		}
		s.out.close(whole)
	}()
	err = s.run(s.Ending, m)
	whole = err == nil
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.Log.Info("a client was too slow and is dropped", "request_id", s.request, "user", s.ref.User,
			"reply", s.ref.Message, "offset", s.out.pos.Offset)
	}
	return s.ended, err
}

// run ends with nil when the reply has, or when the process is to end.
func (s *session) run(ctx context.Context, m chat.Message) error {
	if s.fresh || m.Attempt != s.out.pos.Attempt {
		if err := s.standing(ctx, m); err != nil {
			return err
		}
	}
	if m.Status.Ended() {
		return s.finish(m)
	}
	s.reader = frame.Follow(s.Hub, s.Frames, s.ref)
	defer s.reader.Close()
	s.look = time.Now().Add(s.Look)
	s.table = s.look
	for {
		if s.out.held != nil {
			s.comment = time.Now().Add(s.Comment)
		}
		if err := s.out.flush(); err != nil || s.ended {
			return err
		}
		frames, err := s.reader.Next(ctx, earlier(s.look, s.comment))
		if ctx.Err() != nil {
			return nil
		}
		if err := s.step(ctx, frames, err); err != nil {
			return err
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// step does what is to be done now. That Valkey is away is no error: the table is
// looked at all the more.
func (s *session) step(ctx context.Context, frames []frame.Frame, away error) error {
	now := time.Now()
	switch {
	case away != nil:
		s.look = earlier(s.look, now.Add(s.Away))
		s.table = s.look
	case len(frames) > 0:
		s.idle, s.look = 0, now.Add(s.Look)
		s.table = s.look
		return s.batch(ctx, frames)
	}
	if !now.Before(s.look) {
		s.look = now.Add(s.Look)
		return s.see(ctx, now)
	}
	if !now.Before(s.comment) {
		return s.out.comment()
	}
	return nil
}

// see looks after a stream for which no frames have come for a while.
func (s *session) see(ctx context.Context, now time.Time) error {
	if err := s.out.alive(); err != nil {
		return err
	}
	if s.queue != nil {
		if err := s.waiting(ctx); err != nil {
			return err
		}
	}
	if now.Before(s.table) {
		return nil
	}
	s.seldom(now)
	return s.lookUp(ctx, s.glance)
}

// batch sends what frames bring.
func (s *session) batch(ctx context.Context, frames []frame.Frame) error {
	for _, f := range frames {
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
		if err := s.running(f.Attempt); err != nil {
			return err
		}
	}
	switch {
	case f.End != nil && f.Start == s.out.pos.Offset:
		s.ended = true
		return s.out.end(f.End)
	case f.End != nil:
		return s.lookUp(ctx, s.reply)
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

// running says that an attempt has begun.
func (s *session) running(attempt int) error {
	s.queue = nil
	return s.out.tell(statusEvent{Status: chat.Running, Attempt: attempt})
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
		if err := s.running(text.Last.Attempt); err != nil {
			return err
		}
	}
	if err := s.out.whole(text.String(), chat.Running, text.Last.Attempt); err != nil || text.Last.End == nil {
		return err
	}
	s.ended = true
	return s.out.end(text.Last.End)
}
