// Package enginetest is an engine for tests: the OpenAI protocol over real HTTP,
// with answers that are known beforehand, a set speed and failures on order.
//
// The answer to a question is made from the question (answer.go) and goes on, at
// any byte, after what a trailing assistant message has of it, as llama.cpp and
// vLLM do; under a grammar that is refused, as they do. Answers beyond the slots
// wait their turn (slots.go). A cache of prompt prefixes says how much of a prompt
// was known (cache.go). What was asked and how it ended is kept and can be read
// over HTTP (log.go), and the load as llama.cpp or vLLM publish it (about.go).
//
// New starts one within a test. cmd is the same as a process of its own, to be
// killed; its failures come as orders in the questions (order.go), so that what
// happens doesn't depend on which engine gets a prompt or when.
package enginetest

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// Engine is such a server. Set its fields before it gets a request, or under
// Change.
type Engine struct {
	URL     string
	Model   string        // its name; another one in a request is 404; empty: takes any
	Words   int           // of an answer; one word is one token
	Say     string        // the answer; empty: made from the question
	Pace    time.Duration // between two tokens
	Prefill time.Duration // for each token of a prompt that the cache doesn't have
	Context int           // tokens (words here) that a prompt may have; 0: any number
	Slots   int           // answers at once, others wait; 0: any number
	VLLM    bool          // speaks as vLLM where that differs from llama.cpp
	Orders  bool          // obeys the orders in questions, whose answers are Prose

	CacheBlocks int // blocks of prompt prefixes that are kept; 0: no cache, every prompt has 3 cached tokens
	CacheBlock  int // tokens of a block; 0: 16

	DieAfter   int           // tokens after which the connection is cut
	Deaths     int           // how many answers DieAfter cuts
	Away       time.Duration // how long it answers nothing but 503 after each of these
	HangAfter  int           // tokens after which nothing more comes, 0: never
	HalfAfter  int           // tokens after which half an event comes and the connection is cut, 0: never
	Garbage    string        // sent as an event in the place of the first token
	SplitRunes bool          // events break in the middle of a rune's bytes
	NoUsage    bool          // never says how many tokens it was
	Down       bool          // answers nothing but 503
	Refuse     int           // status for every request for an answer, 0: none

	// Exit ends the process on the order to; nil: the connection is cut instead.
	Exit func()

	mu       sync.Mutex
	busy     int
	forget   bool // requests aren't kept
	requests []Request
	fired    map[string]bool
	back     time.Time // from when it answers again
	log      journal
	slots    slots
	cache    cache
	total    totals
}

// totals are what metrics count, since the start.
type totals struct{ prompt, cached, output int }

// New starts an engine that ends with the test.
func New(t testing.TB) *Engine {
	e := &Engine{Words: 20, Slots: 4}
	s := httptest.NewServer(e.Handler())
	e.URL = s.URL
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return e
}

// Handler serves the engine.
func (e *Engine) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", e.health)
	mux.HandleFunc("GET /props", e.props)
	mux.HandleFunc("GET /slots", e.showSlots)
	mux.HandleFunc("GET /metrics", e.metrics)
	mux.HandleFunc("GET /v1/models", e.models)
	mux.HandleFunc("GET /log", e.showLog)
	mux.HandleFunc("POST /tokenize", e.tokenize)
	mux.HandleFunc("POST /v1/chat/completions", e.chat)
	return mux
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

// down reports whether it answers nothing; the caller holds the lock.
func (e *Engine) down() bool { return e.Down || time.Now().Before(e.back) }

// Busy returns how many answers it writes or has waiting at the moment.
func (e *Engine) Busy() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.busy
}
