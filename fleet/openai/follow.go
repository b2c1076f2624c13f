package openai

import (
	"context"
	"errors"
	"time"

	"parley/fleet/frame"
	"parley/shared/chat"
	"parley/shared/problem"
)

var noDeadline time.Time

// listener hears of a reply while it is written.
type listener interface {
	// progress takes the whole answer so far. It fails with errReset if that doesn't
	// begin with what was passed on.
	progress(text string, calls []chat.Call) error
	// quiet is called when nothing has come for a while, and returns when to do so again.
	quiet() (next time.Time, err error)
}

// follow watches a reply until it has ended. It fails when ctx ends, when the
// process is to end, or as out does.
func (e *Endpoint) follow(ctx context.Context, ref chat.Ref, out listener) (chat.Message, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(e.Relay.Ending, func() { cancel(errEnding) })()
	reader := frame.Follow(e.Relay.Hub, e.Relay.Frames, ref)
	defer reader.Close()
	var text frame.Text
	beat, err := out.quiet()
	for look := time.Now().Add(e.Relay.Look); err == nil; {
		until := look
		if beat.Before(look) {
			until = beat
		}
		frames, away := reader.Next(ctx, until)
		if ctx.Err() != nil {
			return chat.Message{}, context.Cause(ctx)
		}
		for _, f := range frames {
			text.Add(f)
		}
		now := time.Now()
		switch {
		case len(frames) > 0 && text.Last.End == nil:
			look = now.Add(e.Relay.Look)
		case away != nil && now.Add(e.Relay.Away).Before(look):
			look = now.Add(e.Relay.Away)
		}
		if m, ok := ended(&text); ok {
			return m, nil
		}
		if text.Last.End != nil || !now.Before(look) {
			if m, over, err := e.lookUp(ctx, ref); over || err != nil {
				return m, err
			}
			look = now.Add(e.Relay.Look)
		}
		if len(frames) > 0 && !text.Broken {
			err = out.progress(text.String(), text.Calls)
		} else if !now.Before(beat) {
			beat, err = out.quiet()
		}
	}
	return chat.Message{}, err
}

// ended makes the reply of its frames, if they have all of it. Of calls no frame
// tells how many there are, so those are left to the table.
func ended(t *frame.Text) (chat.Message, bool) {
	end := t.Last.End
	if end == nil || t.Broken || t.Last.Start != len(t.String()) || len(t.Calls) > 0 || end.Finish == finishCalls {
		return chat.Message{}, false
	}
	return chat.Message{Status: end.Status, Text: t.String(), Finish: end.Finish, Usage: end.Usage, Failure: end.Failure}, true
}

// lookUp asks the table how the reply stands. That it is away is no error: it is
// asked again.
func (e *Endpoint) lookUp(ctx context.Context, ref chat.Ref) (m chat.Message, over bool, err error) {
	m, err = e.Relay.Replies.Message(ctx, ref)
	m = m.AsOf(e.Now())
	switch {
	case err == nil:
		return m, m.Status.Ended(), nil
	case errors.Is(err, chat.ErrNoMessage):
		return m, false, err
	}
	if p := problem.From(err); p.Kind != problem.Unavailable {
		return m, false, err
	}
	e.Log.WarnContext(ctx, "the table is away; the completion goes on with frames", "reply", ref.Message, "error", err.Error())
	return m, false, nil
}

// stop cancels a reply that nobody waits for any more.
func (e *Endpoint) stop(ref chat.Ref) {
	ctx, cancel := context.WithTimeout(context.Background(), e.Stop)
	defer cancel()
	if _, err := e.Relay.Cancel(ctx, ref); err != nil {
		e.Log.Warn("a completion that nobody waits for goes on", "reply", ref.Message, "error", err.Error())
	}
}
