package stack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// A keeper owns processes: it stops them in the reverse order of their start
// and cancels its context, with the reason as cause, when one dies before.
type keeper struct {
	logDir string

	mu       sync.Mutex
	procs    []*process
	stopping bool
	died     context.CancelCauseFunc
}

// errStopped is the cause of a context that ended because Stop was called.
var errStopped = errors.New("stopped")

// newKeeper returns a keeper, and a context that ends when ctx does or when
// one of its processes dies.
func newKeeper(ctx context.Context, logDir string) (context.Context, *keeper) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &keeper{logDir: logDir, died: cancel}
}

// run starts p and waits until healthURL answers 200 (when there is one).
func (k *keeper) run(ctx context.Context, p program, healthURL string, limit time.Duration) error {
	proc, err := k.add(p)
	if err != nil || healthURL == "" {
		return err
	}
	if err := waitFor(ctx, healthURL, limit); err != nil {
		return fmt.Errorf("%s is not ready (%w); its log is %s", p.name, err, proc.log)
	}
	return nil
}

func (k *keeper) add(p program) (*process, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopping {
		return nil, errStopped
	}
	proc, err := start(p, k.logDir)
	if err != nil {
		return nil, err
	}
	k.procs = append(k.procs, proc)
	go k.watch(proc)
	return proc, nil
}

func (k *keeper) watch(p *process) {
	<-p.done
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.stopping {
		k.died(p.ended())
	}
}

// stop ends every process, last started first. It may be called twice.
func (k *keeper) stop() {
	k.mu.Lock()
	k.stopping = true
	procs := k.procs
	k.procs = nil
	k.mu.Unlock()
	k.died(errStopped)
	for i := len(procs) - 1; i >= 0; i-- {
		procs[i].stop()
	}
}

// waitFor asks url until it answers 200. A process's death is reported in
// place of the time-out that it would cause.
func waitFor(ctx context.Context, url string, limit time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer from %s within %s", url, limit))
	defer cancel()
	for {
		if answers(ctx, url) {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func answers(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}
