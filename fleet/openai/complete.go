package openai

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"parley/shared/api"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/problem"
	"parley/shared/quota"
)

// complete answers a request, by a stream or at once.
func (e *Endpoint) complete(w http.ResponseWriter, r *api.Request) error {
	leave, err := e.Relay.Enter(r)
	if err != nil {
		return err
	}
	defer leave()
	body, err := read(w, r.Request)
	if err != nil {
		return err
	}
	in, asked, err := decode(body)
	if err != nil {
		return err
	}
	receipt, err := e.send(r, asked)
	if err != nil {
		return err
	}
	ref := chat.Ref{User: r.User.User, Chat: receipt.Chat, Message: receipt.Reply}
	about := heading{ID: "chatcmpl-" + ref.Message, Created: id.Time(ref.Message).Unix(), Model: in.Model}
	if in.Stream {
		return e.stream(w, r, ref, newStream(w, e.Pace, about, in.StreamOptions != nil && in.StreamOptions.Usage))
	}
	return e.answer(w, r, ref, about)
}

// send has the request accepted. A client that goes away meanwhile doesn't break
// that off, so that what was begun is found by those who cancel it.
func (e *Endpoint) send(r *api.Request, asked chat.Completion) (chat.Receipt, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), e.Send)
	defer cancel()
	receipt, err := e.Sender.Complete(ctx, r.User.User, r.User.Plan, r.User.Limits, asked)
	if shed := err != nil && problem.From(err).Code == "overloaded"; err == nil || shed {
		e.Relay.Metrics.Completion(r.User.Plan, asked.Model, shed)
	}
	switch {
	case chat.IsLimit(err):
		limits(r, r.User.Limits.MessagesPerHour, e.Now())
	case err == nil && receipt.Used >= 0:
		limits(r, receipt.Used, e.Now())
	}
	return receipt, err
}

// limits says in the protocol's headers how much of the hour is left.
func limits(r *api.Request, used int, now time.Time) {
	limit := r.User.Limits.MessagesPerHour
	r.SetHeader("X-Ratelimit-Limit-Requests", strconv.Itoa(limit))
	r.SetHeader("X-Ratelimit-Remaining-Requests", strconv.Itoa(max(limit-used, 0)))
	r.SetHeader("X-Ratelimit-Reset-Requests", quota.Reset(now).Round(time.Second).String())
}

// waiter is the listener of an answer without a stream.
type waiter struct{}

func (waiter) progress(string, []chat.Call) error { return nil }
func (waiter) quiet() (time.Time, error)          { return time.Now().Add(time.Hour), nil }

// answer waits for the reply and answers with it.
func (e *Endpoint) answer(w http.ResponseWriter, r *api.Request, ref chat.Ref, about heading) error {
	ctx, cancel := context.WithTimeoutCause(r.Context(), e.Hold, errTimeout)
	defer cancel()
	m, err := e.follow(ctx, ref, waiter{})
	if err != nil {
		e.stop(ref)
		if r.Context().Err() != nil {
			return nil // nobody is there to be told
		}
		return err
	}
	if m.Status == chat.Failed {
		return problemOf(m.Failure)
	}
	return api.WriteJSON(w, http.StatusOK, whole(about, m))
}

// stream passes the reply on as it comes.
func (e *Endpoint) stream(w http.ResponseWriter, r *api.Request, ref chat.Ref, out *stream) error {
	m, err := e.follow(r.Context(), ref, out)
	switch {
	case err != nil:
		e.stop(ref)
	case m.Status == chat.Failed:
		err = problemOf(m.Failure)
	default:
		err = out.end(m)
	}
	if err == nil || r.Context().Err() != nil {
		return nil
	}
	if !out.begun {
		return err
	}
	p := problem.From(err)
	if errors.As(err, new(*problem.Error)) {
		_ = out.fail(p) // or the client has gone, too
	}
	e.Log.InfoContext(r.Context(), "a completion broke off", "request_id", r.ID, "user", ref.User, "reply", ref.Message,
		"code", p.Code, "error", err.Error())
	return nil
}
