package frame

import (
	"strings"

	"parley/shared/chat"
)

// Text gathers a reply out of its frames.
type Text struct {
	b      strings.Builder
	writer int   // attempt that wrote the text's end
	Last   Frame // the newest frame, its Text left out
	Calls  []chat.Call
	Tokens int  // of the reply, as far as gathered
	Broken bool // a frame is missing: String is not the reply's beginning up to Last
}

// String returns the text so far.
func (t *Text) String() string { return t.b.String() }

// Add takes the next frame of the stream. A frame that begins before the end of
// what is there repeats it if it is of the same attempt, which writers do when
// they don't know what arrived, and replaces it if it is of a newer one.
func (t *Text) Add(f Frame) {
	if !f.After(t.Last) {
		return
	}
	t.Last, t.Last.Text = f, ""
	if f.Over {
		t.b.Reset()
		t.Calls, t.Broken = nil, false
	}
	if f.Tokens > 0 {
		t.Tokens = f.Tokens
	}
	if f.Text == "" && len(f.Calls) == 0 {
		return
	}
	newer := f.Attempt > t.writer
	t.writer = f.Attempt
	if newer && f.Start < t.b.Len() || f.Start == 0 && t.Broken {
		kept := t.b.String()[:f.Start]
		t.b.Reset()
		t.b.WriteString(kept)
		t.Broken = false
	}
	if newer && f.Start == 0 {
		t.Calls = nil
	}
	if len(f.Calls) > 0 {
		t.Calls = f.Calls
	}
	have := t.b.Len()
	switch {
	case f.Start > have:
		t.Broken = true
	case f.Start+len(f.Text) > have:
		t.b.WriteString(f.Text[have-f.Start:])
	}
}
