package serve

import (
	"fmt"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"parley/fleet/frame"
	"parley/shared/chat"
)

// maxDelta bounds the text of one event, in bytes.
const maxDelta = 8 << 10

// The events' data, as docs/api has them.
type (
	statusEvent struct {
		Status  chat.Status   `json:"status"`
		Attempt int           `json:"attempt"`
		Queue   *chat.Outlook `json:"queue,omitempty"`
		Reset   bool          `json:"reset,omitzero"`
	}
	doneEvent struct {
		Status chat.Status `json:"status"`
		Finish string      `json:"finish_reason"`
		Usage  *chat.Usage `json:"usage"`
	}
)

// events puts a reply into server-sent events for one client and keeps its
// position. What is put is on its way after flush.
type events struct {
	*wire
	pos   frame.Position
	reset func() // called when the client is told to clear what it shows
}

// put adds one event; its id is the position after it.
func (e *events) put(name string, data any) error {
	body, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encode event %s: %w", name, err)
	}
	return e.write(func(b []byte) []byte { return append(append(e.head(b, name), body...), '\n', '\n') })
}

func (e *events) head(b []byte, name string) []byte {
	b = e.pos.Append(append(b, "id: "...))
	b = append(append(b, "\nevent: "...), name...)
	return append(b, "\ndata: "...)
}

func (e *events) comment() error {
	return e.write(func(b []byte) []byte { return append(b, ":\n\n"...) })
}

// tell says how the reply stands.
func (e *events) tell(s statusEvent) error {
	e.pos.Attempt = s.Attempt
	return e.put("status", s)
}

// delta sends text that follows what the client has. It is what most events are,
// so it is written out without any detour.
func (e *events) delta(text string) error {
	for text != "" {
		n := min(maxDelta, len(text))
		for n < len(text) && !utf8.RuneStart(text[n]) {
			n--
		}
		piece := text[:n]
		e.pos, text = e.pos.Advance(piece), text[n:]
		err := e.write(func(b []byte) []byte {
			b = append(e.head(b, "delta"), `{"text":`...)
			b, _ = jsontext.AppendQuote(b, piece) // invalid UTF-8 is replaced
			return append(b, "}\n\n"...)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// whole brings the client to text, which is everything so far: it sends what is
// missing, or all of it if the client has seen something else.
func (e *events) whole(text string, status chat.Status, attempt int) error {
	if !e.pos.Within(text) {
		e.pos = frame.Begin()
		e.reset()
		if err := e.tell(statusEvent{Status: status, Attempt: attempt, Reset: true}); err != nil {
			return err
		}
	}
	return e.delta(text[e.pos.Offset:])
}

// end sends the last event.
func (e *events) end(end *frame.End) error {
	e.pos.Ended = true
	if end.Status == chat.Failed {
		failure := end.Failure
		if failure == nil {
			failure = &chat.Failure{Code: "internal", Detail: "The reply failed."}
		}
		return e.put("error", failure)
	}
	usage := end.Usage
	if usage == nil {
		usage = &chat.Usage{}
	}
	return e.put("done", doneEvent{end.Status, end.Finish, usage})
}
