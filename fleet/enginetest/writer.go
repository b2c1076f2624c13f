package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

type usage struct {
	Prompt     int     `json:"prompt_tokens"`
	Completion int     `json:"completion_tokens"`
	Total      int     `json:"total_tokens"`
	Details    details `json:"prompt_tokens_details"`
}

type details struct {
	Cached int `json:"cached_tokens"`
}

// writer writes one answer, in events or in one piece.
type writer struct {
	w      http.ResponseWriter
	model  string
	stream bool
	split  bool // runes over events
	usage  bool
	calls  bool // of a tool of that name
	tool   string

	text strings.Builder
	held string // bytes of a rune whose others come first in the next event
}

func (o *writer) begin() {
	if !o.stream {
		return
	}
	o.w.Header().Set("Content-Type", "text/event-stream")
	delta := map[string]any{"role": "assistant", "content": nil}
	if o.calls {
		delta["tool_calls"] = []any{o.call("call_1", o.tool, "")}
	}
	o.event(o.chunk(delta, nil))
}

func (o *writer) call(id, name, arguments string) map[string]any {
	f := map[string]any{"arguments": arguments}
	c := map[string]any{"index": 0, "function": f}
	if id != "" {
		c["id"], c["type"], f["name"] = id, "function", name
	}
	return c
}

func (o *writer) token(text string) {
	o.text.WriteString(text)
	switch {
	case !o.stream:
	case o.calls:
		o.event(o.chunk(map[string]any{"tool_calls": []any{o.call("", "", text)}}, nil))
	case o.split:
		text = o.held + text
		n := max(len(text)-1, 0)
		o.held = text[n:]
		o.content(text[:n])
	default:
		o.event(o.chunk(map[string]any{"content": text}, nil))
	}
}

// content writes bytes as they are, in the middle of a rune perhaps.
func (o *writer) content(text string) {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(text)
	o.raw(`data: {"choices":[{"index":0,"delta":{"content":"` + quoted + `"},"finish_reason":null}]}` + "\n\n")
}

// end writes the end of an answer that went on from begun.
func (o *writer) end(finish string, u usage, begun string) {
	if !o.stream {
		o.whole(finish, u, begun)
		return
	}
	if o.held != "" {
		o.content(o.held)
	}
	o.event(o.chunk(map[string]any{}, finish))
	if o.usage {
		last := o.chunk(nil, nil)
		last["choices"], last["usage"] = []any{}, u
		o.event(last)
	}
	o.raw("data: [DONE]\n\n")
}

// whole writes an answer in one piece, which repeats what it went on from.
func (o *writer) whole(finish string, u usage, begun string) {
	message := map[string]any{"role": "assistant", "content": begun + o.text.String()}
	if o.calls {
		message["content"] = nil
		message["tool_calls"] = []any{o.call("call_1", o.tool, o.text.String())}
	}
	body := o.chunk(nil, nil)
	body["object"] = "chat.completion"
	body["choices"] = []any{map[string]any{"index": 0, "message": message, "finish_reason": finish}}
	if o.usage {
		body["usage"] = u
	}
	o.w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(o.w).Encode(body) // the client may have gone
}

func (o *writer) chunk(delta map[string]any, finish any) map[string]any {
	return map[string]any{"id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1, "model": o.model,
		"choices": []any{map[string]any{"index": 0, "delta": delta, "finish_reason": finish}}}
}

func (o *writer) event(v any) {
	b, _ := json.Marshal(v) // maps of strings and numbers always encode
	o.raw("data: " + string(b) + "\n\n")
}

func (o *writer) raw(text string) {
	_, _ = fmt.Fprint(o.w, text)
	_ = http.NewResponseController(o.w).Flush() // the client may have gone
}

// wait lets time pass; false when the client has gone.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
