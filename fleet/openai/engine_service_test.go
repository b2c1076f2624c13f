//go:build service

package openai_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	llama "parley/fleet/engine"
	"parley/fleet/fleettest"
	"parley/fleet/valkey"
	"parley/shared/chat"
)

// The real engine is the judge of what is passed on to it.

func real(t *testing.T) *door {
	t.Helper()
	d := open(t)
	url := fleettest.Engine(t) // of its own, as an answer may depend on what else is in the batch
	p := d.Parts(url)
	p.Slots, p.Context = 2, 1024
	// Under a grammar llama.cpp is slow, and silent until it knows what its tokens mean.
	p.Engine = llama.New(llama.Settings{URL: url, Model: "small", FirstToken: 2 * time.Minute, Idle: time.Minute})
	d.Work(p)
	return d
}

var weather = map[string]any{"type": "function", "function": map[string]any{"name": "get_weather", "description": "Weather of a city",
	"parameters": map[string]any{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string", "maxLength": 12}},
		"required": []string{"city"}, "additionalProperties": false}}}

// calling makes a model this small call a tool.
func calling(more map[string]any) map[string]any {
	fields := map[string]any{"tools": []any{weather}, "tool_choice": "required", "parallel_tool_calls": false, "temperature": 0, "max_tokens": 200,
		"messages": []any{says("system", "Answer with <tool_call> only."), says("user", "What is the weather in Paris? Begin with <tool_call>")}}
	for name, v := range more {
		fields[name] = v
	}
	return fields
}

// Streamed, stored and answered at once, the calls are the same.
func TestRealToolCalls(t *testing.T) {
	d := real(t)
	f := d.each(d.post(t.Context(), calling(map[string]any{"stream": true})), nil)
	if !f.done || len(f.calls) == 0 || f.Choices[0].Finish != "tool_calls" {
		t.Fatalf("%+v, error %+v, calls %+v, text %q", f.answer, f.Error, f.calls, f.text)
	}
	for _, c := range f.calls { // how many, is the model's to decide
		var arguments struct{ City string }
		if err := json.Unmarshal([]byte(c.Function.Arguments), &arguments); err != nil || arguments.City == "" || c.Function.Name != "get_weather" || c.ID == "" || c.Type != "function" {
			t.Errorf("%+v, %v", c, err)
		}
	}
	stored := d.reply(d.ref(f.ID)).Calls
	if len(stored) != len(f.calls) {
		t.Fatalf("stored %+v, streamed %+v", stored, f.calls)
	}
	for i, c := range f.calls {
		if stored[i].ID != c.ID || stored[i].Function != chat.Called(c.Function) {
			t.Errorf("stored %+v, streamed %+v", stored[i], c)
		}
	}
	streamed := f.calls[0]
	a := d.whole(d.post(t.Context(), calling(nil)))
	if calls := a.Choices[0].Message.Calls; len(calls) == 0 || calls[0].Function.Name != "get_weather" || a.Choices[0].Message.Content != nil {
		t.Errorf("%+v", a.Choices)
	}
	back := []any{says("user", "What is the weather in Paris?"),
		map[string]any{"role": "assistant", "content": nil, "tool_calls": []any{map[string]any{"id": streamed.ID, "type": "function",
			"function": map[string]any{"name": "get_weather", "arguments": streamed.Function.Arguments}}}},
		map[string]any{"role": "tool", "tool_call_id": streamed.ID, "content": "It rains."}}
	a = d.whole(d.post(t.Context(), map[string]any{"messages": back, "tools": []any{weather}, "max_tokens": 16, "temperature": 0}))
	if a.Error != nil || a.Usage.Completion == 0 {
		t.Errorf("%+v", a)
	}
}

func TestRealResponseFormat(t *testing.T) {
	d := real(t)
	schema := map[string]any{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string", "maxLength": 12}},
		"required": []string{"city"}, "additionalProperties": false}
	for _, format := range []map[string]any{
		{"type": "json_schema", "json_schema": map[string]any{"name": "capital", "schema": schema, "strict": true}},
		{"type": "json_object"},
	} {
		a := d.whole(d.post(t.Context(), map[string]any{"response_format": format, "temperature": 0, "max_tokens": 200,
			"messages": []any{says("user", `What is the capital of France? Answer as {"city": "..."}`)}}))
		var got map[string]any
		if a.Error != nil || a.Choices[0].Finish != "stop" {
			t.Fatalf("%+v", a)
		}
		if err := json.Unmarshal([]byte(*a.Choices[0].Message.Content), &got); err != nil || got["city"] == "" {
			t.Errorf("%s: %q, %v", format["type"], *a.Choices[0].Message.Content, err)
		}
	}
	bad := map[string]any{"type": "json_schema", "json_schema": map[string]any{"name": "a", "schema": map[string]any{"type": "objec"}}}
	resp := d.post(t.Context(), map[string]any{"response_format": bad})
	if a := d.whole(resp); resp.StatusCode != 400 || a.Error == nil || a.Error.Code != "request_refused" {
		t.Errorf("%d %+v", resp.StatusCode, a.Error)
	}
}

// A stop string ends the answer and isn't in it; the same seed gives the same answer.
func TestRealStopAndSeed(t *testing.T) {
	d := real(t)
	ask := map[string]any{"messages": []any{says("user", "Count from one to ten in words.")}, "temperature": 0, "max_tokens": 60}
	free := *d.whole(d.post(t.Context(), ask)).Choices[0].Message.Content
	words := strings.Fields(free)
	ask["stop"] = []string{words[3]}
	a := d.whole(d.post(t.Context(), ask))
	if got := *a.Choices[0].Message.Content; a.Choices[0].Finish != "stop" || got != free[:strings.Index(free, words[3])] {
		t.Errorf("%q, without stop %q", got, free)
	}
	ask = map[string]any{"messages": []any{says("user", "Tell me a word.")}, "temperature": 1, "seed": 7, "max_tokens": 12}
	if one, two := d.whole(d.post(t.Context(), ask)), d.whole(d.post(t.Context(), ask)); *one.Choices[0].Message.Content != *two.Choices[0].Message.Content {
		t.Errorf("%q, %q", *one.Choices[0].Message.Content, *two.Choices[0].Message.Content)
	}
}

// An answer that the request begins goes on from there.
func TestRealPrefix(t *testing.T) {
	d := real(t)
	ask := map[string]any{"messages": []any{says("user", "What is the capital of France?")}, "temperature": 0, "max_tokens": 24}
	whole := *d.whole(d.post(t.Context(), ask)).Choices[0].Message.Content
	cut := strings.Index(whole, " ") + 1
	ask["messages"] = []any{says("user", "What is the capital of France?"), says("assistant", whole[:cut])}
	a := d.whole(d.post(t.Context(), ask))
	if a.Error != nil {
		t.Fatalf("%+v", a.Error)
	}
	if got := whole[:cut] + *a.Choices[0].Message.Content; !strings.HasPrefix(got, whole) { // which may have as many tokens again
		t.Errorf("%q, want %q", got, whole)
	}
}

// A completion goes on at another worker, and its limit of tokens and its stop
// string hold over the seam.
func TestRealCompletionAtAnotherWorker(t *testing.T) {
	d := open(t)
	p := d.Parts(fleettest.Engine(t))
	p.Slots, p.Context = 2, 1024
	p.Grace = 10 * time.Millisecond
	ask := map[string]any{"messages": []any{says("user", "Write a list of ten animals, each with a sentence.")}, "temperature": 0, "max_tokens": 90, "stop": []string{"\n\n8"}}
	stop := d.Work(p)
	want := *d.whole(d.post(t.Context(), ask)).Choices[0].Message.Content
	ask["stream"], ask["stream_options"] = true, map[string]any{"include_usage": true}
	replaced := 0
	f := d.each(d.post(t.Context(), ask), func(f *flow) {
		if n := len(f.text); n > 60 && replaced == 0 || n > 150 && replaced == 1 {
			replaced++
			stop()
			stop = d.Work(p)
		}
	})
	if f.text != want || !f.done || replaced != 2 {
		t.Errorf("after %d workers %q, want %q", replaced+1, f.text, want)
	}
	if f.Usage == nil || f.Usage.Completion > 92 { // white space at a seam is written, and counted, twice
		t.Errorf("usage %+v", f.Usage)
	}
}

// The slot is free when the client has gone, as the engine itself says.
func TestRealClientGoesAway(t *testing.T) {
	d, url := open(t), fleettest.Engine(t)
	d.Work(d.Parts(url))
	ctx, cancel := context.WithCancel(t.Context())
	resp := d.post(ctx, map[string]any{"stream": true, "temperature": 0, "max_tokens": 256, "messages": []any{says("user", "Tell me everything about animals.")}})
	if _, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil || fleettest.Busy(t, url) != 1 {
		t.Fatalf("%d slots are busy, %v", fleettest.Busy(t, url), err)
	}
	cancel()
	began := time.Now()
	until(t, 2*time.Second, "the slot is free", func() bool { return fleettest.Busy(t, url) == 0 }) // it ends the token that it is at
	t.Logf("the slot was free after %s", time.Since(began).Round(time.Millisecond))
}

// script is an engine that calls a tool in pieces, and breaks off as often as it is
// told before.
type script struct {
	URL string
	mu  sync.Mutex
	// What each request gets: pieces of arguments, or ! for the end of the connection.
	runs     [][]string
	requests []map[string]any
}

func scripted(t *testing.T, runs ...[]string) *script {
	s := &script{runs: runs}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /v1/chat/completions", s.chat)
	server := httptest.NewServer(mux)
	s.URL = server.URL
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return s
}

func (s *script) chat(w http.ResponseWriter, r *http.Request) {
	var in map[string]any
	_ = json.NewDecoder(r.Body).Decode(&in) // a test looks at it
	s.mu.Lock()
	run := s.runs[min(len(s.requests), len(s.runs)-1)]
	s.requests = append(s.requests, in)
	s.mu.Unlock()
	for i, piece := range run {
		if piece == "!" {
			panic(http.ErrAbortHandler)
		}
		head := ""
		if i == 0 {
			head = fmt.Sprintf(`"id":"c%d","type":"function",`, len(s.requests))
		}
		_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,%s\"function\":{\"name\":%q,\"arguments\":%q}}]}}]}\n\n",
			head, map[bool]string{true: "f"}[i == 0], piece)
		_ = http.NewResponseController(w).Flush()
		time.Sleep(150 * time.Millisecond) // a frame for each
	}
	_, _ = fmt.Fprint(w, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n")
}

// Output under a grammar can't be continued. Who streams is told that it broke off,
// who doesn't gets the second try, whole.
func TestCallsStartOver(t *testing.T) {
	d := open(t)
	broken, good := []string{`{"a`, `":1`, "!"}, []string{`{"b`, `":`, `2}`}
	fields := func(stream bool) map[string]any {
		return map[string]any{"tools": []any{map[string]any{"type": "function", "function": map[string]any{"name": "f"}}}, "stream": stream}
	}
	s := scripted(t, broken, good)
	stop := d.Work(d.Parts(s.URL))
	a := d.whole(d.post(t.Context(), fields(false)))
	if calls := a.Choices[0].Message.Calls; len(calls) != 1 || calls[0].Function.Arguments != `{"b":2}` || calls[0].ID != "c2" {
		t.Errorf("%+v", a.Choices)
	}
	if last := s.requests[1]["messages"].([]any); len(last) != 1 {
		t.Errorf("the second try continued: %v", last)
	}
	stop()
	d.Work(d.Parts(scripted(t, broken, good).URL))
	f := d.each(d.post(t.Context(), fields(true)), nil)
	if f.done || f.Error == nil || f.Error.Code != "answer_restarted" || f.calls[0].Function.Arguments != `{"a":1` {
		t.Errorf("done %v, %+v, %+v", f.done, f.Error, f.calls)
	}
}

// The same between two workers, who know of each other by the frames alone.
func TestCallsStartOverAtAnotherWorker(t *testing.T) {
	d := open(t)
	s := scripted(t, []string{`{"a`, `":`, `1`, `1`, `1`, `1`, `1`, `1`, `1`, `1`, `1`, `1`, `1`, `1`, `}`}, []string{`{"b`, `":`, `2}`})
	p := d.Parts(s.URL)
	p.Grace = time.Millisecond
	stop := d.Work(p)
	answered := make(chan answer, 1)
	tools := []any{map[string]any{"type": "function", "function": map[string]any{"name": "f"}}}
	go func() { answered <- d.whole(d.post(t.Context(), map[string]any{"tools": tools})) }()
	until(t, 5*time.Second, "the engine is asked", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.requests) == 1 })
	time.Sleep(400 * time.Millisecond) // some of it is published
	stop()
	d.Work(d.Parts(s.URL))
	a := <-answered
	if calls := a.Choices[0].Message.Calls; len(calls) != 1 || calls[0].Function.Arguments != `{"b":2}` {
		t.Errorf("%+v", a.Choices)
	}
	if got := d.reply(d.ref(a.ID)).Calls; len(got) != 1 || got[0].Function.Arguments != `{"b":2}` {
		t.Errorf("stored %+v", got)
	}
}

// When Valkey loses what was sent, a stream can't be right any more, and says so.
func TestFramesAreLost(t *testing.T) {
	d, e := open(t), engine(t, 30*time.Millisecond)
	p := d.Parts(e.URL)
	p.Grace = time.Millisecond
	stop := d.Work(p)
	var once sync.Once
	f := d.each(d.post(t.Context(), map[string]any{"stream": true}), func(f *flow) {
		if f.text != "" {
			once.Do(func() {
				stop()
				d.Valkey.Del(t.Context(), valkey.Frames(d.ref(f.ID)))
				e.Say = "Something else."
				d.Work(d.Parts(e.URL))
			})
		}
	})
	if f.done || f.Error == nil || f.Error.Code != "answer_restarted" || f.Error.Type != "server_error" {
		t.Errorf("done %v, %+v after %q", f.done, f.Error, f.text)
	}
	m := d.reply(d.ref(f.ID))
	until(t, 5*time.Second, "nobody answers for nobody", func() bool { m = d.reply(d.ref(f.ID)); return m.Status.Ended() })
}
