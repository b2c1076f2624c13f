package work

import (
	"context"
	"slices"
	"sync"
	"time"

	"parley/shared/usage"
)

// Usage keeps files of usage records. A name that is there already is replaced.
type Usage interface {
	Put(ctx context.Context, name string, file []byte) error
}

const (
	fullFile   = 500             // records that are written without waiting for more
	mostHeld   = 1000            // ended prompts that are kept here while records can't be written
	putTime    = 5 * time.Second // for one try to write a file
	putPause   = 2 * time.Second // between two tries
	comeLater  = time.Minute     // what is too much for here comes back after that time
	lastFlush  = 8 * time.Second // for what is left when the worker ends
	deleteTime = 5 * time.Second
)

// ended is a prompt that is done with.
type ended struct {
	queue   Queue
	receipt string
	record  *usage.Record // nil: there is nothing to write down
}

func (e ended) from() (Queue, string) { return e.queue, e.receipt }

// remover writes down what ended replies have used, and only then deletes their
// prompts: a file for all that ended within Gather, and ten prompts in a call.
//
// What it has not written when the worker dies comes back with the prompts, to be
// written from the replies' rows. While files can't be written prompts are kept, up
// to mostHeld of them; the others go back to their queue for a while.
type remover struct {
	w    *Worker
	poke chan struct{} // something waits, or a file's worth of it

	mu      sync.Mutex
	waiting []ended
	files   int
}

func newRemover(w *Worker) *remover { return &remover{w: w, poke: make(chan struct{}, 1)} }

// remove takes over a prompt.
func (r *remover) remove(e ended) {
	r.mu.Lock()
	n := len(r.waiting)
	if n < mostHeld {
		r.waiting = append(r.waiting, e)
	}
	r.mu.Unlock()
	switch n {
	case mostHeld:
		r.w.show(e.queue, comeLater, e.receipt)
	case 0, fullFile - 1:
		select {
		case r.poke <- struct{}{}:
		default:
		}
	}
}

// run writes and deletes until ctx ends. What is left then is finish's.
func (r *remover) run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return
		case <-r.poke:
		}
		r.gather(ctx)
		for r.flush(ctx) {
		}
	}
}

// gather waits for company for what has come.
func (r *remover) gather(ctx context.Context) {
	over := time.After(r.w.Gather)
	for r.held() < fullFile {
		select {
		case <-ctx.Done():
			return
		case <-over:
			return
		case <-r.poke:
		}
	}
}

func (r *remover) held() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting)
}

// flush settles a file's worth of prompts; it reports whether there were any. Where
// the file can't be written it tries on until ctx ends, and keeps all hidden.
func (r *remover) flush(ctx context.Context) bool {
	r.mu.Lock()
	batch := slices.Clone(r.waiting[:min(len(r.waiting), fullFile)])
	r.files++
	name := usage.Key(r.w.Now(), r.w.Name, r.files)
	r.mu.Unlock()
	if len(batch) == 0 || ctx.Err() != nil {
		return false
	}
	for {
		err := r.write(ctx, name, batch)
		if err == nil {
			break
		}
		r.w.Log.Error("writing usage failed; its prompts are kept", "prompts", r.held(), "error", err.Error())
		r.hold(ctx)
		if sleep(ctx, putPause); ctx.Err() != nil {
			return false
		}
	}
	r.mu.Lock()
	r.waiting = slices.Delete(r.waiting, 0, len(batch))
	r.mu.Unlock()
	r.delete(batch)
	return true
}

// write puts a batch's records into a file. A try that has begun isn't broken off:
// nobody would know what became of it.
func (r *remover) write(ctx context.Context, name string, batch []ended) error {
	var records []usage.Record
	for _, e := range batch {
		if e.record != nil {
			records = append(records, *e.record)
		}
	}
	if len(records) == 0 || r.w.Usage == nil {
		return nil
	}
	file, err := usage.Encode(records)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), putTime)
	defer cancel()
	err = r.w.Usage.Put(ctx, name, file)
	r.w.Metrics.Usage(len(records), err == nil)
	return err
}

// hold keeps everything that waits hidden in its queue.
func (r *remover) hold(ctx context.Context) {
	r.mu.Lock()
	receipts := byQueue(r.waiting, ended.from)
	r.mu.Unlock()
	for q, list := range receipts {
		if err := q.Extend(ctx, r.w.Visibility, list...); err != nil {
			r.w.Log.Warn("ended prompts may come again before their usage is written", "prompts", len(list), "error", err.Error())
		}
	}
}

func (r *remover) delete(batch []ended) {
	for q, list := range byQueue(batch, ended.from) {
		ctx, cancel := context.WithTimeout(context.Background(), deleteTime)
		if err := q.Delete(ctx, list...); err != nil {
			r.w.Log.Warn("deleting finished prompts failed; they will be delivered again", "prompts", len(list), "error", err.Error())
		}
		cancel()
	}
}

// byQueue gathers the receipts of what came out of each queue.
func byQueue[T any](all []T, of func(T) (Queue, string)) map[Queue][]string {
	receipts := map[Queue][]string{}
	for _, one := range all {
		q, receipt := of(one)
		receipts[q] = append(receipts[q], receipt)
	}
	return receipts
}

// finish settles what is left when the worker ends. What can't be written in time
// is left to others.
func (r *remover) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), lastFlush)
	defer cancel()
	for r.flush(ctx) {
	}
	if n := r.held(); n > 0 {
		r.w.Log.Error("the usage of some replies is left to other workers", "prompts", n)
	}
}
