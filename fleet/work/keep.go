package work

import (
	"context"
	"errors"
	"sync"
	"time"

	"parley/shared/chat"
)

// keeper prolongs the visibility and the leases of all prompts that are being
// answered, in batches.
type keeper struct {
	w       *Worker
	beating sync.Mutex // held over a beat, so that nothing that left is prolonged after

	mu   sync.Mutex
	kept map[chat.Ref]kept
}

type kept struct {
	queue   Queue
	receipt string
	cancel  context.CancelCauseFunc
}

func newKeeper(w *Worker) *keeper { return &keeper{w: w, kept: map[chat.Ref]kept{}} }

func (k *keeper) add(ref chat.Ref, what kept) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept[ref] = what
}

// remove waits for a beat that is under way.
func (k *keeper) remove(ref chat.Ref) {
	k.beating.Lock()
	defer k.beating.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.kept, ref)
}

func (k *keeper) run(ctx context.Context) { every(ctx, k.w.Heartbeat, k.beat) }

// every calls do once in each period until ctx ends.
func every(ctx context.Context, period time.Duration, do func(context.Context)) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do(ctx)
		}
	}
}

func (k *keeper) beat(ctx context.Context) {
	k.beating.Lock()
	defer k.beating.Unlock()
	k.mu.Lock()
	receipts := map[Queue][]string{}
	refs := make([]chat.Ref, 0, len(k.kept))
	for ref, v := range k.kept {
		receipts[v.queue] = append(receipts[v.queue], v.receipt)
		refs = append(refs, ref)
	}
	k.mu.Unlock()
	if len(refs) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, k.w.Heartbeat)
	defer cancel()
	var errs []error
	for q, list := range receipts {
		errs = append(errs, q.Extend(ctx, k.w.Visibility, list...))
	}
	lost, err := k.w.Leases.Keep(ctx, refs)
	if err := errors.Join(append(errs, err)...); err != nil {
		k.w.Log.Warn("heartbeat failed in part", "prompts", len(refs), "error", err.Error())
	}
	k.give(lost)
}

// give ends the jobs whose replies somebody else writes by now.
func (k *keeper) give(lost []chat.Ref) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, ref := range lost {
		k.kept[ref].cancel(errLost)
	}
}
