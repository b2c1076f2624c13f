package work

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"parley/shared/chat"
	"parley/shared/problem"
	"parley/shared/queue"
)

// keeper prolongs the visibility and the leases of all prompts that are being
// answered, in batches, and ends an answer that this worker can't be sure to hold
// any more:
//
//   - another worker has the lease;
//   - the queue refuses its receipts while Valkey can't say who has the lease;
//   - neither of the two could be reached for as long as the visibility lasts.
//
// A receipt that is refused while the lease stands means nothing: the queue has
// delivered the prompt again, to a worker that left it alone.
type keeper struct {
	w       *Worker
	beating sync.Mutex // held over a beat, so that nothing that left is prolonged after

	mu   sync.Mutex
	kept map[chat.Ref]*kept
}

type kept struct {
	attempt int             // 0 until it is claimed
	held    map[string]held // by message
	sure    time.Time       // until then nobody else can have it
	cancel  context.CancelCauseFunc
}

// held is the newest delivery of a message; older receipts may count no more.
type held struct {
	queue   Queue
	receipt string
}

func newKeeper(w *Worker) *keeper { return &keeper{w: w, kept: map[chat.Ref]*kept{}} }

// add begins to keep a prompt. It returns false if this worker holds it already;
// then the new delivery is kept and settled with the older ones.
func (k *keeper) add(q Queue, d queue.Delivery, cancel context.CancelCauseFunc) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	v, known := k.kept[d.Prompt.Ref()]
	if !known {
		v = &kept{held: map[string]held{}, sure: k.w.Now().Add(k.w.Visibility), cancel: cancel}
		k.kept[d.Prompt.Ref()] = v
	}
	v.held[d.ID] = held{q, d.Receipt}
	return !known
}

// claimed tells the attempt by which the lease is defended.
func (k *keeper) claimed(ref chat.Ref, attempt int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept[ref].attempt = attempt
}

// remove waits for a beat that is under way and returns what is to be settled.
func (k *keeper) remove(ref chat.Ref) []held {
	k.beating.Lock()
	defer k.beating.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []held
	for _, h := range k.kept[ref].held {
		all = append(all, h)
	}
	delete(k.kept, ref)
	return all
}

// run beats until ctx ends; after a beat that failed in part the next comes soon.
func (k *keeper) run(ctx context.Context) {
	pause := k.w.Heartbeat
	for {
		sleep(ctx, pause)
		if ctx.Err() != nil {
			return
		}
		pause = k.w.Heartbeat
		if k.beat(ctx) != nil {
			pause = k.w.Heartbeat / 4
		}
	}
}

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

// pulse is what one beat found out.
type pulse struct {
	began    time.Time
	lost     []chat.Ref // leases that others have
	leaseErr error

	mu     sync.Mutex
	gone   []string        // receipts that the queues refuse
	silent map[Queue]error // queues that didn't answer
}

func (k *keeper) beat(ctx context.Context) error {
	k.beating.Lock()
	defer k.beating.Unlock()
	receipts, attempts := k.list()
	if len(attempts) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, k.w.Heartbeat)
	defer cancel()
	p := pulse{began: k.w.Now(), silent: map[Queue]error{}}
	var calls sync.WaitGroup
	calls.Go(func() { p.lost, p.leaseErr = k.w.Leases.Keep(ctx, attempts) })
	for q, list := range receipts { // side by side: one that hangs leaves the others their time
		calls.Go(func() { p.hear(q, q.Extend(ctx, k.w.Visibility, list...)) })
	}
	calls.Wait()
	k.judge(&p)
	err := p.leaseErr
	for _, e := range p.silent {
		err = errors.Join(err, e)
	}
	if err != nil {
		k.w.Log.Warn("heartbeat failed in part", "prompts", len(attempts), "error", err.Error())
	}
	return err
}

// hear takes in how a queue answered.
func (p *pulse) hear(q Queue, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	gone, some := errors.AsType[*queue.GoneError](err)
	if some {
		p.gone = append(p.gone, gone.Receipts...)
	}
	if _, away := errors.AsType[*problem.Error](err); away || err != nil && !some {
		p.silent[q] = err
	}
}

// list returns what is to be prolonged.
func (k *keeper) list() (map[Queue][]string, map[chat.Ref]int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	receipts, attempts := map[Queue][]string{}, map[chat.Ref]int{}
	for ref, v := range k.kept {
		attempts[ref] = v.attempt
		for _, h := range v.held {
			receipts[h.queue] = append(receipts[h.queue], h.receipt)
		}
	}
	return receipts, attempts
}

// judge ends the answers that a beat found lost.
func (k *keeper) judge(p *pulse) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for ref, v := range k.kept {
		if slices.Contains(p.lost, ref) {
			v.cancel(errLost)
			continue
		}
		visible := v.prune(p)
		if visible || p.leaseErr == nil {
			v.sure = p.began.Add(k.w.Visibility)
		} else if len(v.held) == 0 || !k.w.Now().Before(v.sure) {
			k.w.Log.Warn("a prompt can't be kept", "reply", ref.Message, "attempt", v.attempt)
			v.cancel(errLost)
		}
	}
}

// prune forgets the receipts that were refused and reports whether the queue
// prolonged one.
func (v *kept) prune(p *pulse) (prolonged bool) {
	for message, h := range v.held {
		switch {
		case slices.Contains(p.gone, h.receipt):
			delete(v.held, message)
		case p.silent[h.queue] == nil:
			prolonged = true
		}
	}
	return prolonged
}
