package work

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"parley/fleet/engine"
	"parley/fleet/prompt"
	"parley/shared/chat"
	"parley/shared/quota"
)

var (
	errAway   = errors.New("the engine stays away")
	errGaveUp = errors.New("the engine failed too often on this prompt")
)

// answer streams the answer, going on from the text so far whenever the engine
// breaks off. It returns nil when the answer is whole, errAway when the engine
// has been away for longer than Hold, errGaveUp when the prompt seems to be at
// fault, chat.ErrStale when another attempt has begun.
func (j *job) answer(ctx context.Context, turns []prompt.Turn, size int) error {
	j.usage.PromptTokens = size
	failures, deaths, away := 0, 0, time.Time{}
	for {
		had := j.tell.len()
		err := j.stream(ctx, turns, size)
		switch {
		case err == nil:
			return nil
		case context.Cause(ctx) != nil:
			return context.Cause(ctx)
		case errors.Is(err, engine.ErrBroke) && deaths < maxDeaths && j.died(ctx, had):
			deaths++
		case errors.Is(err, engine.ErrBroke):
			failures++
		case errors.Is(err, engine.ErrDown):
		case errors.Is(err, engine.ErrRefused), errors.Is(err, engine.ErrTooLong):
			failures = j.MaxAttempts
		default:
			return err
		}
		j.meter.Broke()
		j.log.Warn("the engine failed", "attempt", j.attempt, "failures", failures, "bytes", j.tell.len(), "error", err.Error())
		if failures >= j.MaxAttempts {
			return fmt.Errorf("%w: %w", errGaveUp, err)
		}
		if j.tell.len() > had || away.IsZero() {
			away = j.Now()
		}
		if j.constrained() && j.tell.restart() {
			j.meter.Reset()
		}
		if err := j.awaitEngine(ctx, err, away.Add(j.Hold)); err != nil {
			return err
		}
	}
}

// maxDeaths bounds the engine's deaths for which a prompt is not held to account.
const maxDeaths = 10

// died reports whether the engine itself has gone down, with an answer that had just
// been brought forward. That happens to everybody whom it serves; a prompt that it
// can't bear brings it down at the same place each time.
func (j *job) died(ctx context.Context, had int) bool {
	return j.tell.len() > had && j.Engine.Health(ctx) != nil
}

// awaitEngine waits until the engine is well again, but not past limit.
func (j *job) awaitEngine(ctx context.Context, why error, limit time.Time) error {
	if !j.tell.flush(ctx) {
		return errLost
	}
	j.gate.failed(why)
	left := limit.Sub(j.Now())
	if left <= 0 {
		return errAway
	}
	wait, cancel := context.WithTimeoutCause(ctx, left, errAway)
	defer cancel()
	sleep(wait, 100*time.Millisecond) // an engine that only refuses isn't asked in a tight loop
	return j.gate.wait(wait)
}

// stream asks the engine once, for what is still missing, and tells what comes. A
// stop string can't lie across the seam, because engines hold back what may become
// one until they know.
func (j *job) stream(ctx context.Context, turns []prompt.Turn, size int) error {
	left := min(j.output(), j.Context-margin-size) - j.tell.tokens
	if left <= 0 || j.tell.len() >= chat.MaxReply {
		j.finish = "length"
		return nil
	}
	asked := j.limit.begin(size)
	j.meter.Engine(j.Now())
	ctx, span := j.traceEngine(ctx)
	s, err := j.Engine.Chat(ctx, engine.Request{
		Model: j.prompt.Model, Turns: turns, Options: j.options, MaxTokens: left, Continue: j.prefix + j.tell.text(),
		User: j.ref.User, Session: j.ref.Chat, Priority: j.priority(),
	})
	if err == nil {
		defer s.Close()
		err = j.pump(ctx, s, asked)
	}
	asked.end(err)
	j.traceEngineEnd(span, err)
	return err
}

// priority ranks premium's 0 before free's 1, for engines that take it.
func (j *job) priority() int {
	if j.Priorities && j.prompt.Plan == quota.Free {
		return 1
	}
	return 0
}

type arrival struct {
	chunk engine.Chunk
	err   error
}

// pump moves an answer from the engine to the teller until one of them ends.
func (j *job) pump(ctx context.Context, s *engine.Stream, asked *call) error {
	before := j.tell.tokens
	arrivals := make(chan arrival, 64)
	stop := make(chan struct{})
	defer close(stop)
	go receive(s, arrivals, stop)
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-j.tell.due():
			if !j.tell.flush(ctx) {
				return errLost
			}
		case a := <-arrivals:
			if errors.Is(a.err, io.EOF) {
				return nil
			}
			if a.err != nil {
				return a.err
			}
			asked.first()
			if !j.take(ctx, a.chunk, before) {
				return errLost
			}
			if j.cut {
				j.finish = "length"
				return nil
			}
		}
	}
}

// take counts and tells one chunk; false means that another attempt has begun.
func (j *job) take(ctx context.Context, c engine.Chunk, before int) bool {
	if c.Finish != "" {
		j.finish = c.Finish
	}
	if c.Usage != nil {
		j.count(*c.Usage, before)
	} else if c.Text != "" || len(c.Calls) > 0 {
		j.tell.tokens++ // an engine that doesn't count as it goes sends token by token
	}
	if c.Text != "" || len(c.Calls) > 0 {
		j.meter.Token(j.Now())
	}
	if room := chat.MaxReply - j.tell.len(); len(c.Text) > room {
		for room > 0 && !utf8.RuneStart(c.Text[room]) {
			room--
		}
		c.Text, j.cut = c.Text[:room], true
	}
	return j.tell.add(ctx, c.Text, c.Calls...)
}

// count takes over the engine's own count. When it goes on with an answer of which
// before tokens were there, these are part of its prompt.
func (j *job) count(u chat.Usage, before int) {
	j.tell.tokens = before + u.CompletionTokens
	if before == 0 {
		j.usage.PromptTokens, j.usage.CachedTokens = u.PromptTokens, u.CachedTokens
		return
	}
	if j.usage.PromptTokens == 0 {
		j.usage.PromptTokens = max(u.PromptTokens-before, 0)
	}
	if j.usage.CachedTokens == 0 {
		j.usage.CachedTokens = min(u.CachedTokens, j.usage.PromptTokens)
	}
}

func receive(s *engine.Stream, arrivals chan<- arrival, stop <-chan struct{}) {
	for {
		c, err := s.Next()
		select {
		case arrivals <- arrival{c, err}:
		case <-stop:
			return
		}
		if err != nil {
			return
		}
	}
}
