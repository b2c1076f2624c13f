// Package frame carries a reply from the worker that writes it to everyone who
// watches, while it is being written.
//
// A reply's frames are one Valkey stream. A frame's id in it is
// attempt-sequence, so Valkey itself refuses what a superseded attempt adds
// after its successor's first frame; a new attempt announces itself before it
// reads what is there, and from then on owns the text. Each frame says how many
// bytes of the reply stand before it. So a reader sees what it has already, what
// it has missed (it reads the stream again), and that the text started over.
//
// Writing also publishes the frame, in the same transaction. A relay needs one
// connection to hear of all the replies that it serves.
package frame

import (
	"fmt"

	"github.com/go-json-experiment/json"

	"parley/shared/chat"
)

// Frame is a step of a reply: an attempt's beginning, a piece of text, the end.
type Frame struct {
	Attempt int    `json:"a"`           // from 1; 0 for an end without any attempt
	Seq     int64  `json:"q"`           // from 1 within the attempt
	Start   int    `json:"s,omitzero"`  // bytes of the reply's text before this frame
	Text    string `json:"t,omitempty"` // valid UTF-8 that ends with a token
	Over    bool   `json:"o,omitzero"`  // what came before is void, also within an attempt: the answer starts over
	Tokens  int    `json:"n,omitzero"`  // tokens of the reply up to the frame's end
	// Calls are the answer's calls of tools so far, all of them, where they have
	// grown: so a reader that missed a frame has missed nothing.
	Calls []chat.Call `json:"c,omitempty"`
	End   *End        `json:"e,omitempty"` // the reply's end; it is stored already
}

// End is how a reply ended, as the table has it.
type End struct {
	Status  chat.Status   `json:"status"`
	Finish  string        `json:"finish,omitempty"`
	Usage   *chat.Usage   `json:"usage,omitempty"`
	Failure *chat.Failure `json:"failure,omitempty"`
}

// EndOf returns the end of a reply that has ended.
func EndOf(m chat.Message) *End {
	return &End{Status: m.Status, Finish: m.Finish, Usage: m.Usage, Failure: m.Failure}
}

// ID names the frame within its stream; ids grow.
func (f Frame) ID() string { return fmt.Sprintf("%d-%d", f.Attempt, f.Seq) }

// After reports whether f comes later in its stream than g.
func (f Frame) After(g Frame) bool {
	return f.Attempt > g.Attempt || f.Attempt == g.Attempt && f.Seq > g.Seq
}

// Follows reports whether nothing can be missing between g and f.
func (f Frame) Follows(g Frame) bool {
	return f.Attempt == g.Attempt && f.Seq == g.Seq+1
}

func encode(f Frame) (string, error) {
	b, err := json.Marshal(f)
	if err != nil {
		return "", fmt.Errorf("encode frame %s: %w", f.ID(), err)
	}
	return string(b), nil
}

// Decode reads a frame as Append wrote it.
func Decode(s string) (Frame, error) {
	var f Frame
	if err := json.Unmarshal([]byte(s), &f); err != nil {
		return f, fmt.Errorf("decode frame: %w", err)
	}
	if f.Attempt < 0 || f.Seq < 1 || f.Start < 0 {
		return f, fmt.Errorf("decode frame: impossible numbers %d-%d at %d", f.Attempt, f.Seq, f.Start)
	}
	return f, nil
}
