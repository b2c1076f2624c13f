package work

import (
	"context"
	"sync"
	"time"

	"parley/shared/queue"
	"parley/shared/quota"
)

// intake polls the queues until ctx ends; jobs is the context of what it starts.
func (w *Worker) intake(ctx, jobs context.Context, running *sync.WaitGroup) {
	var polls sync.WaitGroup
	for plan, q := range w.Queues {
		polls.Go(func() {
			for w.gate.wait(ctx) == nil && ctx.Err() == nil {
				t, err := w.desk.reserve(ctx, plan)
				if err != nil {
					return
				}
				if !w.poll(ctx, jobs, running, plan, q, t) {
					sleep(ctx, t.pause)
				}
			}
		})
	}
	polls.Wait()
}

// poll receives once and starts a job for each prompt; it reports whether there
// was any. A poll is never cut short, because prompts that are on their way would
// be hidden until their visibility ends.
func (w *Worker) poll(ctx, jobs context.Context, running *sync.WaitGroup, plan quota.Plan, q Queue, t turn) bool {
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.wait+5*time.Second)
	defer cancel()
	deliveries, err := q.Receive(call, t.most, t.wait)
	if err != nil {
		w.Log.Error("receiving prompts failed", "plan", plan, "error", err.Error())
		w.desk.settle(plan, t, 0)
		sleep(ctx, time.Second)
		return false
	}
	if ctx.Err() != nil {
		w.handBack(q, deliveries)
		deliveries = nil
	}
	w.desk.settle(plan, t, len(deliveries))
	for _, d := range deliveries {
		running.Go(func() {
			defer w.desk.leave(plan)
			w.handle(jobs, q, d)
		})
	}
	return len(deliveries) > 0
}

func (w *Worker) handBack(q Queue, deliveries []queue.Delivery) {
	receipts := make([]string, len(deliveries))
	for i, d := range deliveries {
		receipts[i] = d.Receipt
	}
	w.show(q, 0, receipts...)
}

// show makes prompts visible to other workers after delay.
func (w *Worker) show(q Queue, delay time.Duration, receipts ...string) {
	if len(receipts) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := q.Extend(ctx, delay, receipts...); err != nil {
		w.Log.Warn("handing prompts back failed; they come back with their visibility", "error", err.Error())
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
