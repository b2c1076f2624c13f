package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"parley/scripts/chaos/plan"
	"parley/scripts/internal/runtimeapi"
	"parley/shared/chat"
	"parley/shared/problem"
	"parley/shared/quota"
)

// send is one prompt on its way to acceptance.
type send struct {
	*run
	prompt plan.Prompt
	user   string
	chat   string // empty for a new one
}

// accepted sends the prompt until it is accepted, and as often again as the plan
// says. It returns the replies that the other sends were told of; no message if ctx
// ended before it was accepted.
func (s *send) accepted(ctx context.Context) (chat.Ref, []string) {
	tries, meanwhile := s.prompt.Resends+1, 1
	if s.prompt.Meanwhile {
		meanwhile = min(2, tries)
	}
	refs := make([]chat.Ref, tries)
	var side sync.WaitGroup
	for i := range meanwhile {
		side.Go(func() { refs[i] = s.once(ctx) })
	}
	side.Wait()
	for i := meanwhile; i < tries; i++ {
		refs[i] = s.once(ctx)
	}
	var others []string
	for _, ref := range refs[1:] {
		if ref.Message != "" {
			s.resent.Add(1)
			others = append(others, ref.Message)
		}
	}
	return refs[0], others
}

// once sends with the prompt's key until that is accepted.
func (s *send) once(ctx context.Context) chat.Ref {
	for {
		ref, err := s.try(ctx)
		if err == nil {
			return ref
		}
		s.busy.Add(1)
		pause := 300 * time.Millisecond
		if p := problem.From(err); p != nil && p.RetryAfter > 0 {
			pause = min(p.RetryAfter, 2*time.Second)
		}
		if sleep(ctx, pause) != nil {
			return chat.Ref{}
		}
	}
}

func (s *send) try(ctx context.Context) (chat.Ref, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if s.prompt.Function {
		return s.call(ctx)
	}
	r, err := s.place.sender.Send(ctx, s.user, s.prompt.Plan, quota.Of(s.prompt.Plan, limits),
		chat.Question{Chat: s.chat, Text: s.plan.Question(s.prompt), Key: s.prompt.Name()})
	return chat.Ref{User: s.user, Chat: r.Chat, Message: r.Reply}, err
}

// call sends through the function.
func (s *send) call(ctx context.Context) (chat.Ref, error) {
	token, err := s.place.token(ctx, s.user, s.prompt.Plan)
	if err != nil {
		return chat.Ref{}, err
	}
	in := map[string]string{"text": s.plan.Question(s.prompt)}
	if s.chat != "" {
		in["chat_id"] = s.chat
	}
	body, err := json.Marshal(in)
	if err != nil {
		return chat.Ref{}, err
	}
	res, err := runtimeapi.Call(ctx, s.place.send, runtimeapi.Request{Method: "POST", Path: "/v1/messages", Body: string(body),
		Header: map[string]string{"Authorization": "Bearer " + token, "Idempotency-Key": s.prompt.Name()}})
	if err != nil {
		return chat.Ref{}, err
	}
	if res.Status != 202 {
		after, _ := strconv.Atoi(res.Header.Get("Retry-After")) // 0 without one
		refused := problem.New(problem.Unavailable, "refused", fmt.Sprintf("send-message answers %d %.200s", res.Status, res.Body))
		return chat.Ref{}, errors.Join(refused.After(time.Duration(after) * time.Second))
	}
	var out struct {
		Chat  string `json:"chat_id"`
		Reply string `json:"reply_id"`
	}
	err = json.Unmarshal([]byte(res.Body), &out)
	return chat.Ref{User: s.user, Chat: out.Chat, Message: out.Reply}, err
}
