package work

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"parley/fleet/engine"
	"parley/fleet/frame"
	"parley/shared/chat"
)

// retell is how long a teller waits after Valkey failed it.
const retell = time.Second

// teller publishes a reply: the first piece at once, then at most one frame in
// each interval. It never holds the answer up for long. What Valkey refuses stays
// here, and because nobody knows then what arrived, or whether Valkey came back
// empty, the next frame repeats the text from its beginning.
type teller struct {
	frames   Frames
	ref      chat.Ref
	attempt  int
	interval time.Duration
	now      func() time.Time
	log      *slog.Logger

	whole  strings.Builder
	calls  []chat.Call
	grown  bool  // calls aren't published as they are
	over   bool  // the next frame makes void what came before it
	sent   int   // bytes of it that are published
	seq    int64 // of the last frame
	tokens int   // of the reply, what comes next included
	unsure bool  // nobody knows what is published
	stale  bool  // another attempt has begun
	next   time.Time
	timer  *time.Timer
}

func newTeller(frames Frames, ref chat.Ref, attempt int, interval time.Duration, now func() time.Time, log *slog.Logger) *teller {
	t := &teller{frames: frames, ref: ref, attempt: attempt, interval: interval, now: now, log: log, seq: 1, timer: time.NewTimer(time.Hour)}
	t.timer.Stop()
	return t
}

// resume goes on from what earlier attempts have published.
func (t *teller) resume(begun *frame.Text) {
	t.whole.WriteString(begun.String())
	t.sent, t.tokens = t.whole.Len(), begun.Tokens
}

func (t *teller) text() string { return t.whole.String() }
func (t *teller) len() int     { return t.whole.Len() }

// restart makes everything void that was said so far; it reports whether there was
// anything.
func (t *teller) restart() bool {
	if t.len() == 0 && len(t.calls) == 0 {
		return false
	}
	t.whole.Reset()
	t.calls, t.grown, t.over = nil, false, true
	t.sent, t.tokens = 0, 0
	return true
}

// due fires when text waits and may be published.
func (t *teller) due() <-chan time.Time { return t.timer.C }

// add takes what one chunk brings and publishes it if it is time; false means that
// another attempt has begun.
func (t *teller) add(ctx context.Context, text string, calls ...engine.CallDelta) bool {
	if text == "" && len(calls) == 0 {
		return true
	}
	waiting := t.waits()
	t.whole.WriteString(text)
	for _, c := range calls {
		t.calls, t.grown = c.AddTo(t.calls), true
		if call := &t.calls[c.Index]; call.ID == "" { // an engine that doesn't name it
			call.ID = fmt.Sprintf("call_%s_%d", t.ref.Message, c.Index)
		}
	}
	left := t.next.Sub(t.now())
	if left <= 0 {
		return t.flush(ctx)
	}
	if !waiting {
		t.timer.Reset(left)
	}
	return true
}

// flush publishes what isn't; false means that another attempt has begun. A
// Valkey that is away makes it no false.
func (t *teller) flush(ctx context.Context) bool {
	if !t.waits() && !t.unsure || t.stale {
		return !t.stale
	}
	f := frame.Frame{Start: t.sent, Over: t.over}
	if t.grown || t.unsure {
		f.Calls = slices.Clone(t.calls)
	}
	if t.unsure {
		f.Start = 0
	}
	f.Text = t.whole.String()[f.Start:]
	return t.append(ctx, f)
}

// waits reports whether anything isn't published.
func (t *teller) waits() bool { return t.whole.Len() > t.sent || t.grown }

// end publishes how the stored reply ended.
func (t *teller) end(ctx context.Context, end *frame.End) {
	t.append(ctx, frame.Frame{Start: t.whole.Len(), End: end})
}

func (t *teller) append(ctx context.Context, f frame.Frame) bool {
	t.seq++
	f.Attempt, f.Seq, f.Tokens = t.attempt, t.seq, t.tokens
	err := t.frames.Append(ctx, t.ref, f)
	switch {
	case errors.Is(err, chat.ErrStale):
		t.stale = true
		return false
	case err != nil:
		if !t.unsure {
			t.log.Warn("publishing failed; the reply goes on unwatched", "error", err.Error())
		}
		t.unsure, t.next = true, t.now().Add(retell)
		t.timer.Reset(retell)
		return true
	}
	if f.End == nil {
		t.unsure, t.grown, t.over = false, false, false
	}
	t.sent, t.next = max(t.sent, f.Start+len(f.Text)), t.now().Add(t.interval)
	return true
}
