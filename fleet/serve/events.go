package serve

import (
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"parley/fleet/frame"
	"parley/shared/chat"
)

// maxDelta bounds the text of one event, in bytes.
const maxDelta = 8 << 10

// The events' data, as docs/api has them.
type (
	statusEvent struct {
		Status  chat.Status `json:"status"`
		Attempt int         `json:"attempt"`
		Reset   bool        `json:"reset,omitzero"`
	}
	deltaEvent struct {
		Text string `json:"text"`
	}
	doneEvent struct {
		Status chat.Status `json:"status"`
		Finish string      `json:"finish_reason"`
		Usage  *chat.Usage `json:"usage"`
	}
)

// events writes server-sent events to one client and keeps its position.
type events struct {
	w     http.ResponseWriter
	ctl   *http.ResponseController
	limit time.Duration
	pos   frame.Position
}

func newEvents(w http.ResponseWriter, limit time.Duration, from frame.Position) *events {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	return &events{w: w, ctl: http.NewResponseController(w), limit: limit, pos: from}
}

// send writes one event whose id is the position after it. A client that doesn't
// take it in time is dropped; it has the id of what came before.
func (e *events) send(name string, data any) error {
	body, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encode event %s: %w", name, err)
	}
	return e.write("id: %s\nevent: %s\ndata: %s\n\n", e.pos, name, body)
}

func (e *events) comment() error { return e.write(":\n\n") }

func (e *events) write(format string, args ...any) error {
	if err := e.ctl.SetWriteDeadline(time.Now().Add(e.limit)); err != nil {
		return fmt.Errorf("set write deadline: %w", err)
	}
	if _, err := fmt.Fprintf(e.w, format, args...); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	if err := e.ctl.Flush(); err != nil {
		return fmt.Errorf("flush event: %w", err)
	}
	return nil
}

// status says how the reply stands, unless the client has been told.
func (e *events) status(s chat.Status, attempt int, reset bool) error {
	e.pos.Attempt = attempt
	return e.send("status", statusEvent{s, attempt, reset})
}

// delta sends text that follows what the client has.
func (e *events) delta(text string) error {
	for text != "" {
		n := min(maxDelta, len(text))
		for n < len(text) && !utf8.RuneStart(text[n]) {
			n--
		}
		e.pos = e.pos.Advance(text[:n])
		if err := e.send("delta", deltaEvent{text[:n]}); err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}

// whole brings the client to text, which is everything so far: it sends what is
// missing, or all of it if the client has seen something else.
func (e *events) whole(text string, status chat.Status, attempt int) error {
	if !e.pos.Within(text) {
		e.pos = frame.Begin()
		if err := e.status(status, attempt, true); err != nil {
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
		return e.send("error", failure)
	}
	usage := end.Usage
	if usage == nil {
		usage = &chat.Usage{}
	}
	return e.send("done", doneEvent{end.Status, end.Finish, usage})
}
