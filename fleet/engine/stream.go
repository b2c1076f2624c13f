package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"parley/shared/chat"
)

// Chunk is what one event of an answer brings.
type Chunk struct {
	Text   string      // valid UTF-8, may be empty
	Calls  []CallDelta // what it adds to calls of tools
	Finish string      // stop, length, …: in the last chunk but for the usage
	Usage  *chat.Usage // what the engine has counted up to here, if it says so
}

// Stream is an answer as it arrives.
type Stream struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	watch  *time.Timer
	idle   time.Duration
	body   io.Closer
	events *events
	mender mender
	seam   seam
	finish bool
	full   bool // the answer has come to its limit
}

// Next returns the next chunk. It returns io.EOF after the last one of a whole
// answer; one that breaks off ends with ErrBroke, or with the context's cause.
func (s *Stream) Next() (Chunk, error) {
	if s.full {
		return Chunk{}, io.EOF
	}
	data, err := s.events.next()
	s.watch.Reset(s.idle)
	switch {
	case err == nil && data == "[DONE]" && s.finish:
		return Chunk{}, io.EOF
	case err == nil:
		return s.chunk(data)
	case context.Cause(s.ctx) != nil:
		return Chunk{}, context.Cause(s.ctx)
	case errors.Is(err, io.EOF) && s.finish:
		return Chunk{}, io.EOF
	default:
		return Chunk{}, fmt.Errorf("%w: the answer broke off: %w", ErrBroke, err)
	}
}

func (s *Stream) chunk(data string) (Chunk, error) {
	c, err := decodeChunk(data)
	if err != nil {
		return Chunk{}, err
	}
	c.Text = s.mender.mend(c.Text)
	if c.Finish != "" {
		s.finish = true
		c.Text += s.mender.end()
	}
	s.full = s.seam.pass(&c)
	return c, nil
}

// Close ends the answer; the engine stops working on it.
func (s *Stream) Close() {
	s.watch.Stop()
	s.cancel(nil)
	_ = s.body.Close() // nothing depends on how a read body closes
}
