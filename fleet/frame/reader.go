package frame

import (
	"context"
	"time"

	"parley/fleet/valkey"
	"parley/shared/chat"
)

// Reader follows the frames of one reply. It has no goroutine of its own.
type Reader struct {
	log   *Log
	ref   chat.Ref
	sub   *valkey.Sub
	last  Frame
	timer *time.Timer
	rings time.Time // when timer does, zero if it doesn't
	again time.Time // when to read what couldn't be read, zero if nothing is open
}

// Follow begins to listen for a reply's frames; Close ends it.
func Follow(hub *valkey.Hub, log *Log, ref chat.Ref) *Reader {
	r := &Reader{log: log, ref: ref, sub: hub.Subscribe(valkey.Frames(ref)), timer: time.NewTimer(time.Hour)}
	r.timer.Stop()
	return r
}

// Close stops listening.
func (r *Reader) Close() {
	r.timer.Stop()
	r.sub.Close()
}

// retry is the time between two attempts to read from a server that is away.
const retry = 500 * time.Millisecond

// Next waits for frames that weren't returned before, and returns them in order
// and without a gap, as far as the server has them; none when it is until (zero:
// it waits for as long as it takes). An error other than the context's is the
// server's: it is away, and Next may be called again at once.
func (r *Reader) Next(ctx context.Context, until time.Time) ([]Frame, error) {
	for {
		gap := r.sub.Gap
		wake := until
		if !r.again.IsZero() {
			gap = nil // it will be read then
			if wake.IsZero() || r.again.Before(wake) {
				wake = r.again
			}
		}
		r.ring(wake)
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-r.timer.C:
			r.rings = time.Time{}
			now := time.Now()
			if !r.again.IsZero() && !now.Before(r.again) {
				if frames, err := r.catchUp(ctx); err != nil || len(frames) > 0 {
					return frames, err
				}
			}
			if !until.IsZero() && !now.Before(until) {
				return nil, nil
			}
		case <-gap:
			if frames, err := r.catchUp(ctx); err != nil || len(frames) > 0 {
				return frames, err
			}
		case payload := <-r.sub.Messages:
			if frames, err := r.heard(ctx, payload); err != nil || len(frames) > 0 {
				return frames, err
			}
		}
	}
}

// ring makes the timer fire at that time or earlier. An earlier ring costs a look
// at the clock, which is less than setting the timer for each frame.
func (r *Reader) ring(at time.Time) {
	if at.IsZero() || !r.rings.IsZero() && !at.Before(r.rings) {
		return
	}
	r.rings = at
	r.timer.Reset(time.Until(at))
}

// heard takes a frame that was announced, and reads those that are missing before it.
func (r *Reader) heard(ctx context.Context, payload string) ([]Frame, error) {
	f, err := Decode(payload)
	switch {
	case err != nil:
		return nil, err
	case !f.After(r.last):
		return nil, nil
	case f.Follows(r.last):
		r.note(f)
		return []Frame{f}, nil
	default:
		return r.catchUp(ctx)
	}
}

// catchUp reads what is stored after the last frame. If there is a page or more,
// or the read fails, Next looks again.
func (r *Reader) catchUp(ctx context.Context) ([]Frame, error) {
	frames, err := r.log.Read(ctx, r.ref, r.last)
	r.again = time.Time{}
	switch {
	case err != nil:
		r.again = time.Now().Add(retry)
	case len(frames) == page:
		r.again = time.Now()
	}
	if len(frames) > 0 {
		r.note(frames[len(frames)-1])
	}
	return frames, err
}

func (r *Reader) note(last Frame) { r.last, r.last.Text = last, "" }
