package frame

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"parley/fleet/valkey"
	"parley/shared/chat"
)

const (
	// keepFor is how long frames stay after the last one; then the table has the
	// reply, or nobody will ever finish it.
	keepFor = time.Hour
	// keepEvery is after how many frames that is said again; each command costs.
	keepEvery = 64
	// maxFrames bounds a stream: half an hour at ten frames a second. A longer
	// reply loses its oldest frames and can then be read only when it has ended.
	maxFrames = 18_000
	page      = 500 // frames in one read
)

// Log stores and reads the frames of replies.
type Log struct{ client *redis.Client }

// NewLog returns the log in client's server.
func NewLog(client *redis.Client) *Log { return &Log{client} }

// Begin announces an attempt and returns what was published before it, in one round
// trip if that is no more than a page. From then on no earlier attempt can add to
// the reply. It fails with chat.ErrStale if a later attempt has begun.
func (l *Log) Begin(ctx context.Context, ref chat.Ref, attempt int) (*Text, error) {
	var before *redis.XMessageSliceCmd
	err := l.add(ctx, ref, Frame{Attempt: attempt, Seq: 1}, func(p redis.Pipeliner) {
		before = p.XRangeN(ctx, valkey.Frames(ref), "-", "+", page)
	})
	if err != nil {
		return nil, err
	}
	frames, err := decodeAll(ref, before.Val())
	if err != nil {
		return nil, err
	}
	var t Text
	for _, f := range frames {
		t.Add(f)
	}
	if len(frames) < page {
		return &t, nil
	}
	return &t, l.gather(ctx, ref, &t)
}

// ErrLost says that the server has lost what was published of a reply before.
var ErrLost = errors.New("earlier frames are gone")

// Append adds a frame and announces it. It fails with chat.ErrStale if a later
// attempt has begun, and with ErrLost if the frame was added but those before it
// are gone: repeat the text from its beginning. After any other failure the frame
// may have been added or not: go on with the next sequence number, from a Start
// that is known to be there.
func (l *Log) Append(ctx context.Context, ref chat.Ref, f Frame) error {
	var n *redis.IntCmd
	err := l.add(ctx, ref, f, func(p redis.Pipeliner) { n = p.XLen(ctx, valkey.Frames(ref)) })
	if err == nil && f.Start > 0 && f.End == nil && n.Val() == 1 {
		l.client.Expire(ctx, valkey.Frames(ref), keepFor) // if it fails, the next frame does it
		return fmt.Errorf("append frame %s of %s: %w", f.ID(), ref.Message, ErrLost)
	}
	return err
}

// Seal adds a frame that keeps attempt from adding any more, and returns the text
// that was published. If that isn't all there was (nothing is there, although the
// attempt has begun, or its beginning is missing) it adds nothing and fails with
// ErrLost: who writes the reply may still know it all.
func (l *Log) Seal(ctx context.Context, ref chat.Ref, attempt int) (*Text, error) {
	before, err := l.Text(ctx, ref)
	if err != nil {
		return nil, err
	}
	if before.Broken || before.Last.Seq == 0 {
		return nil, fmt.Errorf("seal %s: %w", ref.Message, ErrLost)
	}
	err = l.add(ctx, ref, Frame{Attempt: attempt, Seq: Sealed}, func(redis.Pipeliner) {})
	if err != nil && !errors.Is(err, chat.ErrStale) { // it was sealed before, or a later attempt has begun
		return nil, err
	}
	text, err := l.Text(ctx, ref)
	if err == nil && (text.Broken || len(text.String()) < len(before.String())) { // lost in between
		err = fmt.Errorf("seal %s: %w", ref.Message, ErrLost)
	}
	return text, err
}

// Sealed is a sequence number that no worker reaches.
const Sealed = 1 << 40

func (l *Log) add(ctx context.Context, ref chat.Ref, f Frame, more func(redis.Pipeliner)) error {
	body, err := encode(f)
	if err != nil {
		return err
	}
	name := valkey.Frames(ref)
	_, err = l.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.XAdd(ctx, &redis.XAddArgs{Stream: name, ID: f.ID(), MaxLen: maxFrames, Approx: true, Values: []string{"f", body}})
		p.Publish(ctx, name, body)
		if f.Start == 0 || f.Seq%keepEvery == 0 || f.End != nil {
			p.Expire(ctx, name, keepFor)
		}
		more(p)
		return nil
	})
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "equal or smaller"):
		return chat.ErrStale
	default:
		return fmt.Errorf("append frame %s of %s: %w", f.ID(), ref.Message, err)
	}
}

// Text gathers all frames of a reply.
func (l *Log) Text(ctx context.Context, ref chat.Ref) (*Text, error) {
	var t Text
	return &t, l.gather(ctx, ref, &t)
}

// gather adds to t what comes after its last frame.
func (l *Log) gather(ctx context.Context, ref chat.Ref, t *Text) error {
	for {
		frames, err := l.Read(ctx, ref, t.Last)
		if err != nil {
			return err
		}
		for _, f := range frames {
			t.Add(f)
		}
		if len(frames) < page {
			return nil
		}
	}
}

// Read returns the next frames after that one, at most 500; from the beginning
// for a zero Frame.
func (l *Log) Read(ctx context.Context, ref chat.Ref, after Frame) ([]Frame, error) {
	from := "-"
	if after.Seq > 0 {
		from = "(" + after.ID()
	}
	entries, err := l.client.XRangeN(ctx, valkey.Frames(ref), from, "+", page).Result()
	if err != nil {
		return nil, fmt.Errorf("read frames of %s: %w", ref.Message, err)
	}
	return decodeAll(ref, entries)
}

func decodeAll(ref chat.Ref, entries []redis.XMessage) ([]Frame, error) {
	frames := make([]Frame, 0, len(entries))
	for _, e := range entries {
		body, _ := e.Values["f"].(string)
		f, err := Decode(body)
		if err != nil {
			return nil, fmt.Errorf("frame %s of %s: %w", e.ID, ref.Message, err)
		}
		frames = append(frames, f)
	}
	return frames, nil
}
