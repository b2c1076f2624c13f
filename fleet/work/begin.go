package work

import (
	"context"
	"errors"
	"time"

	"parley/fleet/frame"
	"parley/shared/chat"
)

const (
	announceTries = 5 // at frames that are away; a reader would see the reply start over
	announcePause = 300 * time.Millisecond
)

// announce begins the attempt's frames and returns those before. If there may be
// some it doesn't give up at once. A call that failed may have got through, so the
// next one goes on counting.
func (j *job) announce(ctx context.Context) (*frame.Text, error) {
	text, err := j.Frames.Begin(ctx, j.ref, j.attempt)
	for range announceTries {
		if err == nil || errors.Is(err, chat.ErrStale) || j.attempt == 1 || ctx.Err() != nil {
			break
		}
		sleep(ctx, announcePause)
		j.tell.seq++
		if err = j.Frames.Append(ctx, j.ref, frame.Frame{Attempt: j.attempt, Seq: j.tell.seq}); err == nil {
			text, err = j.Frames.Text(ctx, j.ref)
		}
	}
	return text, err
}

// begin announces the attempt and takes over what earlier ones have published;
// known says whether that is all there is.
func (j *job) begin(ctx context.Context) (begun, known bool, err error) {
	j.tell = newTeller(j.Frames, j.ref, j.attempt, j.Frame, j.Now, j.log)
	text, err := j.announce(ctx)
	switch {
	case errors.Is(err, chat.ErrStale):
		return false, false, err
	case err != nil:
		j.log.Warn("frames are away; the reply can't be watched", "error", err.Error())
		j.tell.unsure = true
		return false, false, nil
	case text.Broken:
		j.meter.Reset()
		return false, true, nil // the first frame will say that the text starts over
	}
	begun = text.String() != "" || len(text.Calls) > 0
	switch {
	case begun && j.constrained():
		j.tell.over = true
		j.meter.Reset()
	case begun:
		j.tell.resume(text)
		j.meter.Resume()
	}
	return begun, true, nil
}
