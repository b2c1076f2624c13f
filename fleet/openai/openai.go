// Package openai is the relay's endpoint for clients of the OpenAI protocol:
// POST /v1/chat/completions and GET /v1/models, with a personal access token as
// key.
//
// # A completion's way
//
// decode.go reads a request strictly and within bounds. It is sent like any
// question, through chat.Sender: it counts against the same quota, waits in the
// same queue, is answered, stored and accounted for by the same worker. Only its
// prompt differs, which is exactly what the client sent. follow.go watches the
// reply; stream.go puts what comes into chunks, answer.go into one answer.
//
// The client's connection is what the reply lives by: when it ends before the
// reply does, that is cancelled, queued or not, and the engine's slot is free.
//
// # What differs from OpenAI's own
//
// One choice (n), text and calls of functions only, no logprobs; images as data:
// URLs only, so that no engine fetches what a user names. Fields of the protocol
// that mean nothing here (user, metadata, …) are taken and ignored; what nobody
// knows is refused. Chunks can't be taken back: where an answer has to start over
// (a grammar governs it and its worker died, or Valkey lost what was sent), the
// stream ends with an error event. Without stream nothing of that shows.
package openai

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"parley/fleet/serve"
	"parley/shared/api"
	"parley/shared/auth"
	"parley/shared/chat"
	"parley/shared/model"
	"parley/shared/problem"
	"parley/shared/quota"
)

// Sender accepts completions.
type Sender interface {
	Complete(ctx context.Context, user string, plan quota.Plan, l quota.Limits, c chat.Completion) (chat.Receipt, error)
}

// Keys says whose a personal access token is.
type Keys interface {
	Verify(ctx context.Context, token string) (auth.Identity, error)
}

// Pace says how long things take; tests have their own.
type Pace struct {
	Silent time.Duration // before a stream's header, so that an early failure has its status
	Beat   time.Duration // between two comment lines of a quiet stream
	Write  time.Duration // for one piece of a stream to reach the client
	Hold   time.Duration // for an answer without a stream
	Send   time.Duration // for a request to be accepted
	Stop   time.Duration // to cancel what nobody waits for any more
}

// DefaultPace returns the pace of production.
func DefaultPace() Pace {
	return Pace{Silent: 5 * time.Second, Beat: 10 * time.Second, Write: 10 * time.Second,
		Hold: 10 * time.Minute, Send: 10 * time.Second, Stop: 5 * time.Second}
}

// Endpoint serves the protocol. Its fields are set once, before Routes.
type Endpoint struct {
	Pace
	Relay  *serve.Relay
	Sender Sender
	Keys   Keys
	Models model.Table
	Log    *slog.Logger
	Now    func() time.Time
}

// Routes returns the endpoints.
func (e *Endpoint) Routes() map[string]http.Handler {
	return map[string]http.Handler{
		"POST /v1/chat/completions": e.handle(e.complete),
		"GET /v1/models":            e.handle(e.list),
	}
}

// handle identifies the caller and reports errors in the protocol's form.
func (e *Endpoint) handle(do func(w http.ResponseWriter, r *api.Request) error) http.Handler {
	var open api.Service
	return open.Raw(true, func(w http.ResponseWriter, r *api.Request) error {
		err := e.identify(r)
		if err == nil {
			err = do(w, r)
		}
		if err != nil {
			e.refuse(w, r, err)
		}
		return nil
	})
}

func (e *Endpoint) identify(r *api.Request) (err error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return auth.ErrNoToken
	}
	r.User, err = e.Keys.Verify(r.Context(), token)
	return err
}

func (e *Endpoint) refuse(w http.ResponseWriter, r *api.Request, err error) {
	p := problem.From(err)
	if p.Kind == problem.Internal || p.Kind == problem.Unavailable {
		e.Log.ErrorContext(r.Context(), "request failed", "request_id", r.ID, "method", r.Method,
			"route", r.Pattern, "user", r.User.User, "code", p.Code, "error", err.Error())
	}
	writeError(w, p)
}

// modelCard is one entry of the list.
type modelCard struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"` // Unix time; nobody knows it
	Owner   string `json:"owned_by"`
}

type modelList struct {
	Object string      `json:"object"`
	Data   []modelCard `json:"data"`
}

// list answers with the models of the caller's plan.
func (e *Endpoint) list(w http.ResponseWriter, r *api.Request) error {
	list := modelList{Object: "list", Data: []modelCard{}}
	for _, m := range e.Models.Of(r.User.Plan) {
		list.Data = append(list.Data, modelCard{ID: m.Name, Object: "model", Owner: "parley"})
	}
	return api.WriteJSON(w, http.StatusOK, list)
}
