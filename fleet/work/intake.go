package work

import (
	"context"
	"sync"
	"time"

	"parley/shared/quota"
)

// intake polls the queues until ctx ends, and has start begin what there is room
// for; whoever is started leaves the desk in the end. What was received and not
// started is handed back.
func (w *Worker) intake(ctx context.Context, start func(ticket)) {
	w.desk.start = start
	defer context.AfterFunc(ctx, w.clear)()
	var polls sync.WaitGroup
	polls.Go(func() { every(ctx, w.Heartbeat/5, w.giveUp) })
	for plan, queues := range w.Queues {
		polls.Go(func() {
			for w.ready(ctx) == nil && ctx.Err() == nil {
				t, err := w.desk.reserve(ctx, plan)
				if err != nil {
					return
				}
				w.poll(ctx, plan, queues[t.lane], t)
			}
		})
	}
	polls.Wait()
	w.clear()
}

// poll receives once and gives the desk what came. A poll is never cut short,
// because prompts that are on their way would be hidden until their visibility
// ends.
func (w *Worker) poll(ctx context.Context, plan quota.Plan, q Queue, t turn) {
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.wait+5*time.Second)
	defer cancel()
	deliveries, err := q.Receive(call, t.most, t.wait)
	if err != nil {
		w.Log.Error("receiving prompts failed", "plan", plan, "error", err.Error())
		w.desk.settle(plan, t, nil)
		sleep(ctx, time.Second)
		return
	}
	tickets := make([]ticket, len(deliveries))
	for i, d := range deliveries {
		tickets[i] = ticket{plan: plan, queue: q, Delivery: d, since: w.Now()}
	}
	w.desk.settle(plan, t, tickets)
}

// clear hands back what was not started; from then on nothing is.
func (w *Worker) clear() {
	for q, receipts := range byQueue(w.desk.close(), ticket.from) {
		w.show(q, 0, receipts...)
	}
}

// giveUp hands back what can't start here as soon as was thought.
func (w *Worker) giveUp(context.Context) {
	for q, receipts := range byQueue(w.desk.late(w.Heartbeat), ticket.from) {
		w.show(q, 0, receipts...)
	}
}

// show makes prompts visible to other workers after delay.
func (w *Worker) show(q Queue, delay time.Duration, receipts ...string) {
	if len(receipts) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := q.Extend(ctx, delay, receipts...); err != nil {
		w.Log.Warn("moving the visibility of prompts failed; they come back with the one that they have", "error", err.Error())
	}
}

func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
