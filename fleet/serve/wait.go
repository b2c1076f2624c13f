package serve

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"parley/fleet/frame"
	"parley/shared/api"
	"parley/shared/chat"
	"parley/shared/problem"
)

// How long a wait may be held, in seconds.
const (
	defaultWait = 20
	maxWait     = 25
)

// wait answers with a reply when it has ended, or as it stands when time is up.
func (r *Relay) wait(ctx context.Context, req *api.Request, _ api.None) (chat.Message, error) {
	seconds, err := secondsOf(req)
	if err != nil {
		return chat.Message{}, err
	}
	ref, err := refOf(req)
	if err != nil {
		return chat.Message{}, err
	}
	leave, err := r.Enter(req)
	if err != nil {
		return chat.Message{}, err
	}
	defer leave()
	r.Metrics.Wait(req.User.Plan)
	return r.await(ctx, ref, time.Duration(seconds)*time.Second)
}

func secondsOf(req *api.Request) (int, error) {
	q := req.URL.Query()
	if !q.Has("seconds") {
		return defaultWait, nil
	}
	n, err := strconv.Atoi(q.Get("seconds"))
	var c problem.Check
	c.That(err == nil && n >= 1 && n <= maxWait, "seconds", "bad_seconds", fmt.Sprintf("A wait has 1 to %d seconds.", maxWait))
	return n, c.Err()
}

// await returns a reply when it has ended, or when limit is over with the text so
// far.
func (r *Relay) await(ctx context.Context, ref chat.Ref, limit time.Duration) (chat.Message, error) {
	m, err := r.reply(ctx, ref)
	if err != nil || m.Status.Ended() {
		return m, err
	}
	follow, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer context.AfterFunc(r.Ending, cancel)()
	reader := frame.Follow(r.Hub, r.Frames, ref)
	defer reader.Close()
	for look := time.Now().Add(r.Look); ; {
		frames, away := reader.Next(follow, look)
		if follow.Err() != nil {
			return r.soFar(ctx, ref)
		}
		now := time.Now()
		switch n := len(frames); {
		case n > 0 && frames[n-1].End != nil, !now.Before(look):
		case away != nil:
			look = earlier(look, now.Add(r.Away))
			continue
		default:
			continue
		}
		look = now.Add(r.Look)
		if m, err = r.reply(ctx, ref); err != nil || m.Status.Ended() {
			return m, err
		}
	}
}

// soFar returns a reply with what has been published of its text.
func (r *Relay) soFar(ctx context.Context, ref chat.Ref) (chat.Message, error) {
	m, err := r.reply(ctx, ref)
	if err != nil || m.Status.Ended() {
		return m, err
	}
	if text, err := r.Frames.Text(ctx, ref); err == nil && !text.Broken {
		m.Text = text.String()
	}
	return m, nil
}
