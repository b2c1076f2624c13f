package serve

import (
	"context"
	"errors"
	"time"

	"parley/fleet/frame"
	"parley/shared/api"
	"parley/shared/chat"
	"parley/shared/problem"
)

var errNotStopped = problem.New(problem.Unavailable, "cancel_pending",
	"The reply could not be stopped at once; please try again in a moment.").After(2 * time.Second)

// cancel is Cancel for the caller's own reply.
func (r *Relay) cancel(ctx context.Context, req *api.Request, _ api.None) (chat.Message, error) {
	ref, err := refOf(req)
	if err != nil {
		return chat.Message{}, err
	}
	return r.Cancel(ctx, ref)
}

// Cancel ends a reply and returns it with the text so far. One that has ended is
// returned as it is.
func (r *Relay) Cancel(ctx context.Context, ref chat.Ref) (chat.Message, error) {
	if m, err := r.reply(ctx, ref); err != nil || m.Status.Ended() {
		return m, err
	}
	m, err := r.Replies.Cancel(ctx, ref)
	if err != nil {
		return m, err
	}
	if m.Status.Ended() { // it was queued; whoever watches has to learn of it
		r.announce(ctx, ref, frame.Frame{Attempt: 0, Seq: 1, End: frame.EndOf(m)})
		return m, nil
	}
	if err := r.Stops.Ask(ctx, ref); err != nil {
		return m, errNotStopped.Because(err)
	}
	if m, err = r.await(ctx, ref, r.Stop); err != nil || m.Status.Ended() {
		return m, err
	}
	return r.end(ctx, ref, m.Attempt)
}

// end cancels a reply that no worker ended: there is none at the moment, or it
// hangs. The seal keeps a worker from publishing more, so that what is stored is
// what was shown. When frames are gone with Valkey, only a worker can know what was
// shown; the wish to stop stays, for this worker or the next.
func (r *Relay) end(ctx context.Context, ref chat.Ref, attempt int) (chat.Message, error) {
	text, err := r.Frames.Seal(ctx, ref, attempt)
	if err != nil {
		return chat.Message{}, errNotStopped.Because(err)
	}
	result := chat.Result{Status: chat.Cancelled, Text: text.String(), Calls: text.Calls, Finish: "cancelled",
		Usage: chat.Usage{CompletionTokens: text.Tokens}}
	if err := r.Replies.Commit(ctx, ref, attempt, result); err != nil && !errors.Is(err, chat.ErrStale) {
		return chat.Message{}, err
	}
	m, err := r.reply(ctx, ref)
	if err != nil {
		return m, err
	}
	if !m.Status.Ended() {
		return m, errNotStopped
	}
	r.announce(ctx, ref, frame.Frame{Attempt: attempt, Seq: frame.Sealed + 1, Start: len(m.Text), End: frame.EndOf(m)})
	return m, nil
}

// announce publishes an end. Nothing depends on it: who watches looks into the
// table, too.
func (r *Relay) announce(ctx context.Context, ref chat.Ref, f frame.Frame) {
	if err := r.Frames.Append(ctx, ref, f); err != nil {
		r.Log.WarnContext(ctx, "an end could not be announced", "reply", ref.Message, "error", err.Error())
	}
}
