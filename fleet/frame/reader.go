package frame

import (
	"context"

	"parley/fleet/valkey"
	"parley/shared/chat"
)

// Reader follows the frames of one reply.
type Reader struct {
	log  *Log
	ref  chat.Ref
	sub  *valkey.Sub
	last Frame
}

// Follow begins to listen for a reply's frames; Close ends it.
func Follow(ctx context.Context, hub *valkey.Hub, log *Log, ref chat.Ref) *Reader {
	return &Reader{log: log, ref: ref, sub: hub.Subscribe(valkey.Frames(ref))}
}

// Close stops listening.
func (r *Reader) Close() { r.sub.Close() }

// Next waits for frames that weren't returned before, and returns them in order
// and without a gap, as far as the server has them. An error other than the
// context's is the server's; Next may be called again.
func (r *Reader) Next(ctx context.Context) ([]Frame, error) {
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-r.sub.Gap:
			if frames, err := r.catchUp(ctx); err != nil || len(frames) > 0 {
				return frames, err
			}
		case payload := <-r.sub.Messages:
			f, err := Decode(payload)
			switch {
			case err != nil:
				return nil, err
			case !f.After(r.last):
			case f.Follows(r.last):
				r.last = f
				return []Frame{f}, nil
			default:
				if frames, err := r.catchUp(ctx); err != nil || len(frames) > 0 {
					return frames, err
				}
			}
		}
	}
}

// catchUp reads what is stored after the last frame. If there is a page or more,
// or the read fails, it makes Next look again.
func (r *Reader) catchUp(ctx context.Context) ([]Frame, error) {
	frames, err := r.log.Read(ctx, r.ref, r.last)
	if err != nil || len(frames) == page {
		select {
		case r.sub.Gap <- struct{}{}:
		default:
		}
	}
	if len(frames) > 0 {
		r.last = frames[len(frames)-1]
		r.last.Text = ""
	}
	return frames, err
}
