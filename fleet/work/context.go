package work

import (
	"context"
	"errors"
	"slices"
	"time"

	"parley/fleet/prompt"
	"parley/shared/chat"
)

const (
	atOnce  = 2  // messages that are read with the claim: the question and mostly the reply before it
	maxPage = 50 // messages that are read in one further query
	margin  = 16 // tokens of the context that are left unused
)

// claim claims the reply and, at the same time, reads the question and what
// stands directly before it, newest first.
func (j *job) claim(ctx context.Context) ([]chat.Message, error) {
	type read struct {
		messages []chat.Message
		err      error
	}
	recent := make(chan read, 1)
	question := j.ref
	question.Message = j.prompt.Question
	go func() {
		messages, err := j.History.Recent(ctx, question, atOnce)
		recent <- read{messages, err}
	}()
	reply, err := j.Replies.Claim(ctx, j.prompt)
	r := <-recent
	if err != nil {
		return nil, err
	}
	j.attempt, j.failures, j.deadline = reply.Attempt, reply.Failures(), later(j.prompt.Deadline, reply.Deadline)
	if len(r.messages) > 0 {
		j.deadline = later(j.deadline, r.messages[0].Deadline)
		j.asked = r.messages[0].Completion
	}
	return r.messages, r.err
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// output is how many tokens an answer may have: what the settings say, but at
// most a quarter of the context, so that most of it is for reading. A completion
// says itself what it wants to read.
func (j *job) output() int {
	switch {
	case j.asked == nil:
		return min(j.MaxTokens, j.Context/4)
	case j.asked.MaxTokens > 0:
		return min(j.MaxTokens, j.asked.MaxTokens)
	}
	return j.MaxTokens
}

// history is what read returns.
type history struct {
	turns []prompt.Turn
	size  int
	sent  []string // ids of the files of the thread
	err   error
}

// readAhead reads while the attempt is announced, so that the first token doesn't
// wait for both.
func (j *job) readAhead(ctx context.Context, newest []chat.Message) <-chan history {
	done := make(chan history, 1)
	go func() {
		var h history
		if j.asked != nil {
			h.turns, h.size, h.err = j.readAsked(ctx)
		} else {
			h.turns, h.size, h.sent, h.err = j.read(ctx, newest)
		}
		done <- h
	}()
	return done
}

// read fetches as much of the chat as the context can hold, with the files that were
// sent, and makes the prompt; size is its length in tokens.
func (j *job) read(ctx context.Context, newest []chat.Message) (turns []prompt.Turn, size int, sent []string, err error) {
	room := j.Context - j.output() - margin
	files := j.attached(ctx)
	files.want(newest)
	for more := len(newest) == atOnce; more; {
		left := room - measure(j.System, newest)
		if left <= 0 {
			break
		}
		oldest := j.ref
		oldest.Message = newest[len(newest)-1].ID
		var older []chat.Message
		if older, more, err = j.History.Before(ctx, oldest, pageFor(left, newest)); err != nil {
			return nil, 0, nil, err
		}
		files.want(older)
		newest = append(newest, older...)
		more = more && len(older) > 0
	}
	inOrder := slices.Clone(newest)
	slices.Reverse(inOrder)
	chat.Link(inOrder, nil)
	c := prompt.Chat{System: j.System, Thread: prompt.Thread(inOrder, j.prompt.Question), Sees: files.sees()}
	if c.Files, c.Before, err = files.of(c.Thread); err != nil {
		return nil, 0, nil, err
	}
	sent, _ = sentIn(c.Thread)
	turns, size = c.Fit(room, j.counter(ctx))
	return turns, size, sent[max(0, len(sent)-maxFiles):], context.Cause(ctx)
}

// counter asks the engine; where that can't count, the estimate stands.
func (j *job) counter(ctx context.Context) prompt.Counter {
	return func(turns []prompt.Turn) (int, bool) {
		n, err := j.Engine.Count(ctx, turns)
		if err != nil && !errors.Is(err, context.Canceled) {
			j.log.Debug("the engine doesn't count tokens", "error", err.Error())
		}
		return n, err == nil
	}
}

// measure estimates the tokens of what was read, siblings included: they are few,
// and Link needs them in their places.
func measure(system string, messages []chat.Message) int {
	n := prompt.Estimate(len(system))
	for _, m := range messages {
		n += prompt.Estimate(len(m.Text))
	}
	return n
}

// pageFor estimates how many more messages of the size of those that were read
// fit in so many tokens.
func pageFor(left int, read []chat.Message) int {
	each := max(measure("", read)/len(read), 1)
	return min(max(left/each+1, atOnce), maxPage)
}
