package work

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

const (
	healthEvery = 2 * time.Second        // while the engine is well
	healthRetry = 250 * time.Millisecond // while it isn't
)

// gate is open while the engine is well.
type gate struct {
	engine Engine
	log    *slog.Logger
	poke   chan struct{}

	mu   sync.Mutex
	err  error
	open chan struct{} // closed while the engine is well
}

var errUnknown = errors.New("the engine has not been asked yet")

func newGate(e Engine, log *slog.Logger) *gate {
	return &gate{engine: e, log: log, poke: make(chan struct{}, 1), err: errUnknown, open: make(chan struct{})}
}

func (g *gate) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := g.engine.Health(ctx)
		if ctx.Err() != nil {
			return
		}
		g.set(err)
		pause := healthEvery
		if err != nil {
			pause = healthRetry
		}
		select {
		case <-ctx.Done():
		case <-g.poke:
		case <-time.After(pause):
		}
	}
}

func (g *gate) set(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.err == nil && err != nil:
		g.log.Warn("the engine is away", "error", err.Error())
		g.open = make(chan struct{})
	case g.err != nil && err == nil:
		g.log.Info("the engine is well")
		close(g.open)
	}
	g.err = err
}

// failed closes the gate until the engine has answered a health check.
func (g *gate) failed(err error) {
	g.set(err)
	select {
	case g.poke <- struct{}{}:
	default:
	}
}

func (g *gate) state() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// wait returns nil as soon as the engine is well, or the context's cause.
func (g *gate) wait(ctx context.Context) error {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-open:
		return nil
	}
}
