// Package enginetest is an engine for tests: the OpenAI protocol over real HTTP,
// with an answer that is known beforehand and failures on order.
//
// The answer to a question is a fixed number of words made from the question. It
// goes on after whatever a trailing assistant message has of it, as llama.cpp and
// vLLM do.
package enginetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Engine is such a server. Set its fields before it gets a request, or under
// Change.
type Engine struct {
	URL     string
	Words   int           // of an answer; one word is one token
	Say     string        // the answer; empty: made from the question
	Pace    time.Duration // between two words
	Context int           // tokens (words here) that a prompt may have; 0: any number

	DieAfter  int    // words after which the connection is cut
	Deaths    int    // how many answers DieAfter cuts
	HangAfter int    // words after which nothing more comes, 0: never
	Garbage   string // sent as an event in the place of the first word
	Down      bool   // answers nothing but 503
	Refuse    int    // status for every request for an answer, 0: none

	mu       sync.Mutex
	busy     int
	requests []Request
}

// Request is what an engine was asked.
type Request struct {
	Messages  []Message `json:"messages"`
	MaxTokens int       `json:"max_tokens"`
	CacheSalt string    `json:"cache_salt"`
	Session   string    `json:"-"`
}

// Message is one turn of a request.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// New starts an engine that ends with the test.
func New(t testing.TB) *Engine {
	e := &Engine{Words: 20}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", e.health)
	mux.HandleFunc("GET /props", e.props)
	mux.HandleFunc("POST /v1/chat/completions", e.chat)
	mux.HandleFunc("POST /tokenize", e.tokenize)
	s := httptest.NewServer(mux)
	e.URL = s.URL
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return e
}

// Change alters the engine while it serves.
func (e *Engine) Change(do func(*Engine)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	do(e)
}

// Requests returns what the engine was asked so far.
func (e *Engine) Requests() []Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Request{}, e.requests...)
}

// Busy returns how many answers it writes at the moment.
func (e *Engine) Busy() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.busy
}

// Answer is the whole answer to a question.
func Answer(question string, words int) string {
	var b strings.Builder
	for i := range words {
		fmt.Fprintf(&b, "%s·%d ", firstWord(question), i)
	}
	return strings.TrimSpace(b.String())
}

func firstWord(s string) string {
	if fields := strings.Fields(s); len(fields) > 0 {
		return fields[0]
	}
	return "?"
}

func (e *Engine) health(w http.ResponseWriter, _ *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.Down {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func (e *Engine) props(w http.ResponseWriter, _ *http.Request) {
	_, _ = fmt.Fprint(w, `{"total_slots":4,"default_generation_settings":{"n_ctx":4096}}`)
}

// tokenize counts words, as vLLM counts tokens.
func (e *Engine) tokenize(w http.ResponseWriter, r *http.Request) {
	var in Request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = fmt.Fprintf(w, `{"count":%d}`, count(in.Messages))
}

func count(messages []Message) int {
	n := 0
	for _, m := range messages {
		n += len(strings.Fields(m.Content)) + 1
	}
	return n
}

func (e *Engine) chat(w http.ResponseWriter, r *http.Request) {
	var in Request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || len(in.Messages) == 0 {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	in.Session = r.Header.Get("X-Session-Id")
	e.mu.Lock()
	e.requests = append(e.requests, in)
	down, refuse, limit := e.Down, e.Refuse, e.Context
	e.busy++
	e.mu.Unlock()
	defer e.Change(func(e *Engine) { e.busy-- })
	switch {
	case down:
		http.Error(w, "loading", http.StatusServiceUnavailable)
	case refuse != 0:
		http.Error(w, "no", refuse)
	case limit > 0 && count(in.Messages) > limit:
		http.Error(w, `{"error":{"type":"exceed_context_size_error"}}`, http.StatusBadRequest)
	default:
		e.write(w, r, in)
	}
}

func (e *Engine) write(w http.ResponseWriter, r *http.Request, in Request) {
	last := in.Messages[len(in.Messages)-1]
	begun := ""
	if last.Role == "assistant" {
		begun = last.Content
		last = in.Messages[len(in.Messages)-2]
	}
	e.mu.Lock()
	pace, garbage := e.Pace, e.Garbage
	answer := e.Say
	if answer == "" {
		answer = Answer(last.Content, e.Words)
	}
	e.mu.Unlock()
	rest := strings.TrimPrefix(answer, begun)
	w.Header().Set("Content-Type", "text/event-stream")
	sent := 0
	for _, word := range strings.SplitAfter(rest, " ") {
		if word == "" || sent == in.MaxTokens {
			break
		}
		if garbage != "" {
			_, _ = fmt.Fprintf(w, "data: %s\n\n", garbage)
			garbage = ""
		}
		if !e.pass(r, sent, pace) {
			return
		}
		event(w, map[string]any{"choices": []any{map[string]any{"delta": map[string]any{"content": word}, "finish_reason": nil}}})
		sent++
	}
	finish := "stop"
	if sent == in.MaxTokens {
		finish = "length"
	}
	event(w, map[string]any{"choices": []any{map[string]any{"delta": map[string]any{}, "finish_reason": finish}}})
	event(w, map[string]any{"choices": []any{}, "usage": map[string]any{"prompt_tokens": count(in.Messages),
		"completion_tokens": sent, "prompt_tokens_details": map[string]any{"cached_tokens": 3}}})
	_, _ = fmt.Fprint(w, "data: [DONE]\n\n")
}

// pass waits for the time of the next word; false when the client has gone. It
// dies and hangs on order.
func (e *Engine) pass(r *http.Request, sent int, pace time.Duration) bool {
	e.mu.Lock()
	die := e.Deaths > 0 && sent == e.DieAfter
	if die {
		e.Deaths--
	}
	hang := e.HangAfter > 0 && sent == e.HangAfter
	e.mu.Unlock()
	switch {
	case die:
		panic(http.ErrAbortHandler)
	case hang:
		<-r.Context().Done()
		return false
	case pace == 0:
		return r.Context().Err() == nil
	}
	select {
	case <-r.Context().Done():
		return false
	case <-time.After(pace):
		return true
	}
}

func event(w http.ResponseWriter, v any) {
	b, _ := json.Marshal(v) // maps of strings and numbers always encode
	_, _ = fmt.Fprintf(w, "data: %s\n\n", b)
	_ = http.NewResponseController(w).Flush() // the client may have gone
}
