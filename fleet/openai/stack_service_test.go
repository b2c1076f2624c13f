//go:build service

package openai_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"parley/fleet/fleettest"
	"parley/fleet/openai"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/quota"
)

// door is a stack with the endpoint before it.
type door struct {
	*fleettest.Stack
	URL      string
	Endpoint *openai.Endpoint
}

func open(t *testing.T) *door {
	t.Helper()
	d := &door{Stack: fleettest.New(t)}
	d.Endpoint = &openai.Endpoint{Pace: openai.DefaultPace(), Relay: d.Relay, Sender: d.Sender, Keys: d.Realm,
		Log: d.Log, Now: time.Now}
	s := httptest.NewServer(d.Relay.Service.Mux(d.Endpoint.Routes()))
	t.Cleanup(s.Close)
	d.URL = s.URL
	return d
}

// post sends a request as JSON; model and messages are filled in where they are
// missing.
func (d *door) post(ctx context.Context, fields map[string]any) *http.Response {
	d.T.Helper()
	if _, ok := fields["model"]; !ok {
		fields["model"] = "smollm2-135m-instruct"
	}
	if _, ok := fields["messages"]; !ok {
		fields["messages"] = []any{says("user", "Why?")}
	}
	body, err := json.Marshal(fields)
	if err != nil {
		d.T.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, "POST", d.URL+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		d.T.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+d.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil // the test's own wish
		}
		d.T.Fatal(err)
	}
	d.T.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func says(role, content string) map[string]any {
	return map[string]any{"role": role, "content": content}
}

// answer is what tests look at of an answer, a chunk or an error.
type answer struct {
	ID, Object, Model string
	Created           int64
	Choices           []struct {
		Message, Delta struct {
			Role    string
			Content *string
			Calls   []call `json:"tool_calls"`
		}
		Finish string `json:"finish_reason"`
	}
	Usage *struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
		Total      int `json:"total_tokens"`
		Details    struct {
			Cached int `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
	}
	Error *struct{ Message, Type, Param, Code string }
}

type call struct {
	Index    int
	ID, Type string
	Function struct{ Name, Arguments string }
}

func (d *door) whole(resp *http.Response) (a answer) {
	d.T.Helper()
	body, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(body, &a)
	}
	if err != nil {
		d.T.Fatalf("status %d, %v: %s", resp.StatusCode, err, body)
	}
	return a
}

// flow is a stream as its client joins it.
type flow struct {
	answer   // of the last chunk that has choices
	text     string
	calls    []call
	chunks   int
	comments int
	done     bool
}

// each reads a stream and calls fn, which may be nil, after every chunk.
func (d *door) each(resp *http.Response, fn func(*flow)) *flow {
	d.T.Helper()
	f := &flow{}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		data, ok := strings.CutPrefix(line, "data: ")
		switch {
		case strings.HasPrefix(line, ":"):
			f.comments++
		case data == "[DONE]":
			f.done = true
		case ok:
			f.take(d.T, data)
			if fn != nil {
				fn(f)
			}
		}
	}
	return f
}

func (f *flow) take(t testing.TB, data string) {
	t.Helper()
	var a answer
	if err := json.Unmarshal([]byte(data), &a); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	f.chunks++
	usage, failed := a.Usage, a.Error
	if len(a.Choices) > 0 {
		f.answer = a
		if c := a.Choices[0].Delta.Content; c != nil {
			f.text += *c
		}
		for _, c := range a.Choices[0].Delta.Calls {
			for len(f.calls) <= c.Index {
				f.calls = append(f.calls, call{Index: len(f.calls)})
			}
			to := &f.calls[c.Index]
			to.ID, to.Type = to.ID+c.ID, to.Type+c.Type
			to.Function.Name += c.Function.Name
			to.Function.Arguments += c.Function.Arguments
		}
	}
	if usage != nil {
		f.Usage = usage
	}
	if failed != nil {
		f.Error = failed
	}
}

// ref is the reply behind an answer that wasn't kept.
func (d *door) ref(completion string) chat.Ref {
	d.T.Helper()
	reply, ok := strings.CutPrefix(completion, "chatcmpl-")
	if !ok || !id.Valid(reply) {
		d.T.Fatalf("%q names no reply", completion)
	}
	return chat.Ref{User: d.User, Chat: chat.QuestionOf(reply), Message: reply}
}

func (d *door) reply(ref chat.Ref) chat.Message {
	d.T.Helper()
	m, err := d.Chats.Message(d.T.Context(), ref)
	if err != nil {
		d.T.Fatal(err)
	}
	return m
}

func (d *door) used() int {
	d.T.Helper()
	n, err := d.Chats.Used(d.T.Context(), d.User, quota.Hour(time.Now()))
	if err != nil {
		d.T.Fatal(err)
	}
	return n
}

// until polls for what has to become true within limit.
func until(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}
