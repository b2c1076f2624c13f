package work

import (
	"context"
	"log/slog"
	"time"

	"parley/shared/chat"
	"parley/shared/queue"
	"parley/shared/usage"
)

// handle answers one delivery and settles it with its queue.
func (w *Worker) handle(ctx context.Context, q Queue, d queue.Delivery) {
	if d.Err != nil {
		w.reject(q, d)
		return
	}
	ref := d.Prompt.Ref()
	log := w.Log.With("user", ref.User, "reply", ref.Message, "plan", d.Prompt.Plan)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if !w.keeper.add(q, d, cancel) {
		w.counts.duplicate.Add(1)
		log.Info("a prompt came twice; it is being answered here")
		return
	}
	if w.taken(ctx, d, log) {
		return
	}
	j := &job{Worker: w, prompt: d.Prompt, ref: ref, log: log, sent: d.Sent, carried: d.Trace}
	ctx, j.span = w.Tracer.Reply(ctx, "answer", d.Trace, ref.Message)
	what := j.run(ctx, cancel)
	j.acquit(what)
	j.meter.End()
	j.span.End("")
	w.settle(ref, what, j.record, log)
}

// patient is the receive count from which on a prompt that a living worker holds
// is hidden for restLong: such a second prompt must not be received so often while
// a long answer is written that the queue gives it up.
const (
	patient  = 30
	restLong = time.Minute
)

// taken reports whether a living worker answers the prompt. It is hidden then
// until that worker's lease has ended, if it isn't prolonged: should the worker die,
// this may be the only delivery that is left.
func (w *Worker) taken(ctx context.Context, d queue.Delivery, log *slog.Logger) bool {
	wait, err := w.Leases.Take(ctx, d.Prompt.Ref())
	if err != nil {
		log.Warn("no lease; the queue's visibility has to do", "error", err.Error())
	}
	if err != nil || wait == 0 {
		return false
	}
	if d.ReceiveCount > patient {
		wait = restLong
	}
	w.counts.duplicate.Add(1)
	log.Info("a prompt came twice; a living worker holds it")
	for _, h := range w.keeper.remove(d.Prompt.Ref()) {
		w.show(h.queue, wait.Truncate(time.Second)+time.Second, h.receipt)
	}
	return true
}

// settle ends what run has begun: the lease, and all deliveries of the prompt.
func (w *Worker) settle(ref chat.Ref, what verdict, used *usage.Record, log *slog.Logger) {
	deliveries := w.keeper.remove(ref)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := w.Leases.Release(ctx, ref); err != nil {
		log.Warn("the lease stays until it ends by itself", "error", err.Error())
	}
	for _, h := range deliveries {
		switch what {
		case finished:
			w.remover.remove(ended{h.queue, h.receipt, used})
			used = nil // one record is enough
		case handBack:
			w.show(h.queue, 0, h.receipt)
		case handLate:
			w.show(h.queue, late, h.receipt)
		}
	}
}
