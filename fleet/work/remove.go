package work

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// gather is how long a finished prompt waits for others, to be deleted with them
// in one call. It is far below its visibility.
const gather = 200 * time.Millisecond

// remover deletes prompts that are done with, up to ten in a call. One that stays
// behind is delivered again, found ended and deleted then.
type remover struct {
	log   *slog.Logger
	calls sync.WaitGroup

	mu      sync.Mutex
	waiting map[Queue][]string
}

func newRemover(log *slog.Logger) *remover {
	return &remover{log: log, waiting: map[Queue][]string{}}
}

func (r *remover) remove(q Queue, receipt string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting[q] = append(r.waiting[q], receipt)
	switch len(r.waiting[q]) {
	case 10:
		r.send(q, r.waiting[q])
		r.waiting[q] = nil
	case 1:
		r.calls.Go(func() {
			time.Sleep(gather)
			r.mu.Lock()
			defer r.mu.Unlock()
			r.send(q, r.waiting[q])
			r.waiting[q] = nil
		})
	}
}

func (r *remover) send(q Queue, receipts []string) {
	if len(receipts) == 0 {
		return
	}
	r.calls.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := q.Delete(ctx, receipts...); err != nil {
			r.log.Warn("deleting finished prompts failed; they will be delivered again", "prompts", len(receipts), "error", err.Error())
		}
	})
}

// wait returns when everything has been deleted.
func (r *remover) wait() { r.calls.Wait() }
