package runtimeapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"parley/shared/id"
)

// maxPayload is Lambda's limit for an answer, in bytes.
const maxPayload = 6 << 20

// Result is what a function made of an event.
type Result struct {
	Payload  []byte
	Duration time.Duration // from the event's hand-over to its answer
}

type invocation struct {
	id       string
	event    []byte
	deadline time.Time
	began    time.Time
	answer   chan outcome
}

type outcome struct {
	result Result
	err    error
}

// Invoke hands the function an event and returns its answer: a *FunctionError if
// it reports a failure, ErrDied if its process ends.
func (e *Environment) Invoke(ctx context.Context, event []byte) (Result, error) {
	e.busy.Lock()
	defer e.busy.Unlock()
	ctx, cancel := context.WithTimeout(ctx, e.spec.Timeout)
	defer cancel()
	now := time.Now()
	inv := invocation{id: id.New(now), event: event, deadline: now.Add(e.spec.Timeout), answer: make(chan outcome, 1)}
	select {
	case e.events <- inv:
	case <-e.died:
		return Result{}, e.deathCause()
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	select {
	case out := <-inv.answer:
		return out.result, out.err
	case <-e.died:
		return Result{}, e.deathCause()
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
}

// routes is the Runtime API: next, response, error and init/error.
func (e *Environment) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", e.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) {
		e.answer(w, r, func(payload []byte) error { return nil })
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) {
		e.answer(w, r, func(payload []byte) error { return &FunctionError{Payload: payload} })
	})
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", e.initError)
	return mux
}

// next holds the function until there is an event.
func (e *Environment) next(w http.ResponseWriter, r *http.Request) {
	e.isReady.Do(func() {
		e.initial = time.Since(e.began)
		close(e.ready)
	})
	select {
	case inv := <-e.events:
		e.hand(w, inv)
	case <-r.Context().Done():
	}
}

func (e *Environment) hand(w http.ResponseWriter, inv invocation) {
	inv.began = time.Now()
	e.mu.Lock()
	e.current = &inv
	e.mu.Unlock()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:function")
	h.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0")
	w.Write(inv.event) // a function that doesn't read it has died, which Invoke sees
}

// answer takes what the function has to say about the event in hand.
func (e *Environment) answer(w http.ResponseWriter, r *http.Request, failure func([]byte) error) {
	payload, err := io.ReadAll(io.LimitReader(r.Body, maxPayload+1))
	e.mu.Lock()
	inv := e.current
	if inv != nil && inv.id == r.PathValue("id") {
		e.current = nil
	}
	e.mu.Unlock()
	switch {
	case inv == nil || inv.id != r.PathValue("id"):
		refuse(w, http.StatusBadRequest, "InvalidRequestID")
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, "InvalidBody")
		err = fmt.Errorf("read the function's answer: %w", err)
	case len(payload) > maxPayload:
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge")
		err = fmt.Errorf("the answer has more than %d bytes", maxPayload)
	default:
		accept(w)
		err = failure(payload)
	}
	inv.answer <- outcome{Result{Payload: payload, Duration: time.Since(inv.began)}, err}
}

func (e *Environment) initError(w http.ResponseWriter, r *http.Request) {
	payload, _ := io.ReadAll(io.LimitReader(r.Body, maxPayload)) // as much as there is
	e.mu.Lock()
	e.failure = &FunctionError{Init: true, Payload: payload}
	e.mu.Unlock()
	accept(w)
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, `{"status":"OK"}`)
}

func refuse(w http.ResponseWriter, status int, kind string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errorType":%q,"errorMessage":"refused by the Runtime API"}`, kind)
}
