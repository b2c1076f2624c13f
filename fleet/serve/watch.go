package serve

import (
	"context"
	"errors"
	"os"

	"parley/fleet/metrics"
	"parley/shared/api"
	"parley/shared/chat"
	"parley/shared/trace"
)

// watched begins to count and trace a stream of a reply; the function that it
// returns ends that, with what the stream ended with.
func (r *Relay) watched(req *api.Request, ref chat.Ref, fresh bool) (over func(ended bool, err error)) {
	plan := req.User.Plan
	closed := r.Metrics.Open(plan, !fresh)
	_, span := r.Tracer.Reply(context.WithoutCancel(req.Context()), "stream", trace.From(req.Context()), ref.Message)
	span.Set("plan", string(plan))
	return func(ended bool, err error) {
		closed()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			r.Metrics.Drop(plan, metrics.Slow)
			span.End("slow client")
		case err == nil && !ended:
			r.Metrics.Drop(plan, metrics.Ending)
			span.End("relay ends")
		case err != nil:
			span.End("broke off")
		default:
			span.End("")
		}
	}
}
