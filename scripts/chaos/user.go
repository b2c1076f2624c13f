package main

import (
	"context"
	"sync"
	"time"

	"parley/scripts/chaos/check"
	"parley/scripts/chaos/plan"
	"parley/shared/chat"
)

// arrivals is the time over which the users come.
const arrivals = 10 * time.Second

// user sends its prompts one after the other, each when the one before has ended,
// until sends ends.
func (r *run) user(ctx, sends context.Context, u int) {
	if sleep(sends, arrivals*time.Duration(u)/time.Duration(r.set.users)) != nil {
		return
	}
	last := ""
	for n := u; n < r.set.prompts && sends.Err() == nil; n += r.set.users {
		p := r.plan.Prompt(n)
		if !p.Follow {
			last = ""
		}
		reply := r.prompt(ctx, sends, p, last)
		if reply == nil {
			return
		}
		if last = reply.Ref.Chat; reply.First.Text == "" {
			last = "" // the next question would be put together with this one, and its orders, too
		}
	}
}

// prompt sends one prompt and stays with it to its end. It returns nil if it could
// not be sent in time.
func (r *run) prompt(ctx, sends context.Context, p plan.Prompt, chatID string) *check.Reply {
	s := &send{run: r, prompt: p, user: r.users[p.User], chat: chatID}
	ref, others := s.accepted(sends)
	if ref.Message == "" {
		return nil
	}
	r.sent.Add(1)
	reply := &check.Reply{Prompt: p, Ref: ref, Others: others, Accepted: time.Now()}
	if !r.set.real {
		reply.Want = want(r.plan, p)
	}
	r.calls.follow(reply)
	r.mu.Lock()
	r.history.Replies = append(r.history.Replies, reply)
	r.mu.Unlock()
	if !p.Function {
		for _, delay := range p.Twice {
			time.AfterFunc(delay, func() { r.again(ctx, ref.Message) })
		}
	}
	reply.Seen = make([]check.Seen, len(p.Readers))
	var readers sync.WaitGroup
	for i, reader := range p.Readers {
		readers.Go(func() {
			v := &viewer{run: r, reply: reply, reader: reader, first: i == 0, relay: reader.Relay}
			reply.Seen[i] = v.see(ctx)
		})
	}
	readers.Wait()
	reply.First = r.end(ctx, ref)
	reply.Ended = time.Now()
	r.count(reply)
	return reply
}

// again delivers a prompt once more.
func (r *run) again(ctx context.Context, reply string) {
	if ctx.Err() == nil && r.place.queue.again(ctx, reply) {
		r.twice.Add(1)
	}
}

// end waits until the table has the reply's end. Its readers have seen it already,
// so that this is one read, mostly.
func (r *run) end(ctx context.Context, ref chat.Ref) check.Row {
	var row check.Row
	for {
		m, err := r.place.chats.Message(ctx, ref)
		if err == nil {
			row = rowOf(m)
		}
		if row.Status.Ended() || sleep(ctx, 200*time.Millisecond) != nil {
			return row
		}
	}
}

func rowOf(m chat.Message) check.Row {
	row := check.Row{Status: m.Status, Text: m.Text, Finish: m.Finish, Attempt: m.Attempt}
	if m.Usage != nil {
		row.Usage = *m.Usage
	}
	if m.Failure != nil {
		row.Failure = m.Failure.Code
	}
	return row
}

// count takes an ended reply into the progress.
func (r *run) count(reply *check.Reply) {
	switch reply.First.Status {
	case chat.Failed:
		r.failed.Add(1)
	case chat.Cancelled:
		r.cancelled.Add(1)
	}
	if reply.First.Status.Ended() {
		r.ended.Add(1)
	}
}
