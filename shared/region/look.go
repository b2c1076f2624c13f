package region

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Look asks the table each time.
type Look struct {
	Settings
	Beats Beats
	Now   func() time.Time
}

// CaughtUp is Settings.CaughtUp by what the table has now: one query where there are
// several regions, else none.
func (l *Look) CaughtUp(ctx context.Context) error {
	if !l.Several() {
		return nil
	}
	beats, err := l.Beats.Beats(ctx)
	if err != nil {
		return err
	}
	return l.Settings.CaughtUp(beats, l.Now())
}

// Serves is Settings.Serves, likewise.
func (l *Look) Serves(ctx context.Context) error {
	if !l.Several() {
		return nil
	}
	beats, err := l.Beats.Beats(ctx)
	if err != nil {
		return err
	}
	return l.Settings.Serves(beats, l.Now())
}

// Lost is Settings.Lost, likewise.
func (l *Look) Lost(ctx context.Context, name string) (bool, error) {
	if name == "" || name == l.Own || !l.Several() {
		return false, nil
	}
	beats, err := l.Beats.Beats(ctx)
	if err != nil {
		return false, err
	}
	return l.Settings.Lost(beats, name, l.Now()), nil
}

// Watch looks again and again for a process that lives on. It is open while its
// region has caught up, and closes by itself when it couldn't look for a Gap: a process
// that was stopped and goes on, or has lost the table, doesn't know what has happened.
type Watch struct {
	look *Look
	log  *slog.Logger

	mu     sync.Mutex
	err    error
	looked time.Time     // when it last could; as clocks on walls have it, which go on while a machine sleeps
	open   chan struct{} // closed while the region has caught up
}

// NewWatch returns a watch that is closed until Run has looked.
func NewWatch(l *Look, log *slog.Logger) *Watch {
	return &Watch{look: l, log: log, err: behind("nobody has looked yet"), open: make(chan struct{})}
}

// Run looks until ctx ends, so often that a Gap takes several misses.
func (w *Watch) Run(ctx context.Context) {
	for ctx.Err() == nil {
		call, cancel := context.WithTimeout(ctx, w.look.Gap/3)
		err := w.once(call)
		cancel()
		if ctx.Err() == nil {
			w.set(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(w.look.Gap / 12):
		}
	}
}

// once looks, and beats where the beat of the minute is late, so that a region doesn't
// stop for a function's sake. After a whole Gap that is no more for a process to
// decide.
func (w *Watch) once(ctx context.Context) error {
	l := w.look
	if !l.Several() {
		return nil
	}
	beats, err := l.Beats.Beats(ctx)
	if err != nil {
		return err
	}
	now := l.Now()
	if own, ok := find(beats, l.Own); ok && now.Sub(own.At) > l.Gap/2 && now.Sub(own.At) <= l.Gap {
		next := l.Next(beats, now)
		next.Home = own.Home // which not every process is told
		if err := l.Beats.Beat(ctx, next, own); err != nil {
			w.log.Warn("the region's beat is late and was not written", "error", err.Error())
		}
	}
	return l.Settings.CaughtUp(beats, now)
}

// set takes in what a look has found. That the table didn't answer changes nothing
// until a Gap has passed.
func (w *Watch) set(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.look.Now().Round(0)
	if err != nil && !isBehind(err) && now.Sub(w.looked) <= w.look.Gap {
		return
	}
	if err == nil || isBehind(err) {
		w.looked = now
	}
	switch {
	case w.err == nil && err != nil:
		w.log.Warn("this region stops", "error", err.Error())
		w.open = make(chan struct{})
	case w.err != nil && err == nil:
		w.log.Info("this region works", "regions", len(w.look.All))
		close(w.open)
	}
	w.err = err
}

// State returns nil while the region may work, else why not.
func (w *Watch) State() error {
	if !w.look.Several() {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil && w.look.Now().Round(0).Sub(w.looked) > w.look.Gap {
		return behind("nobody could look for %v", w.look.Gap)
	}
	return w.err
}

// Wait returns nil once the region may work, or the context's cause.
func (w *Watch) Wait(ctx context.Context) error {
	for w.State() != nil {
		w.mu.Lock()
		open, shut := w.open, w.err != nil
		w.mu.Unlock()
		if !shut { // too long ago: the next look decides
			open = nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-open:
		case <-time.After(w.look.Gap / 12):
		}
	}
	return nil
}
