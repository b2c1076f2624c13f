package runtimeapi

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// Function keeps as many environments of one function as there are events at
// once, up to a bound, as Lambda does.
type Function struct {
	spec  Spec
	slots chan struct{} // bounds the environments

	mu   sync.Mutex
	idle []*Environment
	all  []*Environment
}

// NewFunction returns a function of at most that many environments. None runs
// before the first event.
func NewFunction(spec Spec, most int) *Function {
	return &Function{spec: spec, slots: make(chan struct{}, most)}
}

// Invoke gives an event to an idle environment, or to a new one.
func (f *Function) Invoke(ctx context.Context, event []byte) (Result, error) {
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	e, err := f.take()
	if err != nil {
		return Result{}, err
	}
	result, err := e.Invoke(ctx, event)
	f.give(e, err)
	return result, err
}

func (f *Function) take() (*Environment, error) {
	f.mu.Lock()
	if n := len(f.idle); n > 0 {
		e := f.idle[n-1]
		f.idle = f.idle[:n-1]
		f.mu.Unlock()
		return e, nil
	}
	f.mu.Unlock()
	e, err := Start(f.spec)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, e)
	return e, nil
}

// give takes an environment back. One that failed for another reason than its
// handler's own error is not used again.
func (f *Function) give(e *Environment, err error) {
	_, handled := errors.AsType[*FunctionError](err)
	if err != nil && !handled {
		e.Kill()
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.idle = append(f.idle, e)
}

// Close ends all environments.
func (f *Function) Close() {
	f.mu.Lock()
	all := slices.Clone(f.all)
	f.mu.Unlock()
	for _, e := range all {
		e.Close()
	}
}
