package work

import (
	"context"
	"log/slog"
	"time"

	"parley/shared/model"
	"parley/shared/queue"
)

// A worker serves one engine. Prompts of all models come by the same queues, so it
// may receive one for a model of another engine; that goes back to the queue for a
// worker of that engine. With n engines a prompt is received n times on average,
// and while its own engine has no room every rest again.

// Route returns q without the prompts that the engine at url has no model for. In
// the others the model is named, also where the user left the choice to the fleet.
func Route(q Queue, models model.Table, url string, log *slog.Logger) Queue {
	return &routed{Queue: q, models: models, url: url, log: log}
}

type routed struct {
	Queue
	models model.Table
	url    string
	log    *slog.Logger
}

// Receive hands back what isn't ours beside the caller, who need not wait for that.
func (q *routed) Receive(ctx context.Context, most int, wait time.Duration) ([]queue.Delivery, error) {
	all, err := q.Queue.Receive(ctx, most, wait)
	var ours []queue.Delivery
	back := map[time.Duration][]string{}
	for _, d := range all {
		m, ok := q.models.Route(d.Prompt.Model, d.Prompt.Plan, q.url)
		switch {
		case d.Err != nil:
		case !ok:
			rest := restOf(d.ReceiveCount)
			back[rest] = append(back[rest], d.Receipt)
			q.log.Debug("a prompt is for another engine", "reply", d.Prompt.Reply, "model", d.Prompt.Model, "receives", d.ReceiveCount)
			continue
		default:
			d.Prompt.Model = m.Name
		}
		ours = append(ours, d)
	}
	for rest, receipts := range back {
		go q.handBack(context.WithoutCancel(ctx), rest, receipts)
	}
	return ours, err
}

func (q *routed) handBack(ctx context.Context, rest time.Duration, receipts []string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := q.Extend(ctx, rest, receipts...); err != nil {
		q.log.Warn("prompts for another engine were not handed back; they come back by themselves", "error", err.Error())
	}
}

// restOf is how long a prompt of another engine is hidden. At first it isn't, so
// that an idle engine gets it at once. Later its engine seems to be full, and the
// receives of a wait of ten minutes must stay below the queue's limit of 100.
func restOf(receives int) time.Duration {
	switch {
	case receives <= 4:
		return 0
	case receives <= 20:
		return late
	}
	return 5 * late
}
