// Package serve is the relay: it shows replies to those who wait for them, as
// server-sent events or held back until the end, and takes the wish to stop.
//
// What a client has seen is a frame.Position, the id of every event. It is proved
// against the text at hand, so any relay can go on from it, from the frames in
// Valkey or from the stored reply alone; when the text isn't the one that was
// shown, the client is told to clear it (reset).
//
// The table is the truth. Frames only make it faster: while none come, a stream
// looks into the table now and then, and so it ends properly whatever happened to
// the worker or to Valkey.
//
// In local mode the relay is the front door too (front.go): page, API and streams
// on one port, by the path rules of rules.go that the CDN has in production.
package serve

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"parley/fleet/frame"
	"parley/fleet/metrics"
	"parley/fleet/trace"
	"parley/fleet/valkey"
	"parley/shared/api"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/quota"
)

// Replies is the storage that a relay needs.
type Replies interface {
	Message(ctx context.Context, ref chat.Ref) (chat.Message, error)
	Glance(ctx context.Context, ref chat.Ref) (chat.Message, error)
	Cancel(ctx context.Context, ref chat.Ref) (chat.Message, error)
	Commit(ctx context.Context, ref chat.Ref, attempt int, r chat.Result) error
}

// Pace says how long things take; tests have their own.
type Pace struct {
	Comment time.Duration // between two comment lines of a quiet stream
	Look    time.Duration // between two looks into the table while no frames come
	Away    time.Duration // the same while Valkey can't be reached
	Write   time.Duration // for one event to reach the client
	Stop    time.Duration // for a worker to end a reply that was cancelled
}

// DefaultPace returns the pace of production.
func DefaultPace() Pace {
	return Pace{Comment: 15 * time.Second, Look: 5 * time.Second, Away: time.Second,
		Write: 10 * time.Second, Stop: 3 * time.Second}
}

// Lookout foretells how long a prompt that is queued now will wait.
type Lookout interface {
	Outlook(ctx context.Context, plan quota.Plan) chat.Outlook
}

// Relay serves replies. Its fields are set once, before Routes.
type Relay struct {
	Pace
	Limits
	Service *api.Service
	Replies Replies
	Log     *slog.Logger
	Now     func() time.Time
	Frames  *frame.Log
	Hub     *valkey.Hub
	Stops   *valkey.Stops
	Lookout Lookout         // for replies that are queued; nil: nothing is said of it
	Metrics *metrics.Relay  // nil: nothing is counted
	Tracer  *trace.Tracer   // nil: nothing is traced
	Ending  context.Context // ends when the process is to end: streams break off, resumable

	looking chan struct{} // a place for each look into the table
	crowd   crowd
	streams sync.WaitGroup
}

// Drain waits until the open streams have broken off after Ending, up to limit.
func (r *Relay) Drain(limit time.Duration) {
	over := make(chan struct{})
	go func() { r.streams.Wait(); close(over) }()
	select {
	case <-over:
	case <-time.After(limit):
	}
}

// Routes returns the relay's own endpoints; it is called once.
func (r *Relay) Routes() map[string]http.Handler {
	r.looking = make(chan struct{}, looksOnce)
	const reply = "/v1/chats/{chat_id}/messages/{reply_id}"
	return map[string]http.Handler{
		"GET " + reply + "/stream":  r.Service.Raw(false, r.stream),
		"GET " + reply + "/wait":    api.Handle(r.Service, api.Route{Status: http.StatusOK}, r.wait),
		"POST " + reply + "/cancel": api.Handle(r.Service, api.Route{Status: http.StatusOK}, r.cancel),
	}
}

// refOf names the reply that a request is about, as its caller's own.
func refOf(r *api.Request) (chat.Ref, error) {
	ref := chat.Ref{User: r.User.User, Chat: r.PathValue("chat_id"), Message: r.PathValue("reply_id")}
	if !id.Valid(ref.Chat) || !id.Valid(ref.Message) || ref.Passing() {
		return ref, chat.ErrNoMessage
	}
	return ref, nil
}

// reply reads a reply as it stands now; a question is no reply.
func (r *Relay) reply(ctx context.Context, ref chat.Ref) (chat.Message, error) {
	m, err := r.Replies.Message(ctx, ref)
	if err == nil && m.Role != chat.Assistant {
		err = chat.ErrNoMessage
	}
	return m.AsOf(r.Now()), err
}

// glance reads a reply at a quarter of the price, perhaps as it stood a moment ago:
// good enough to begin to follow it, and that it has ended is always true. That it
// isn't there, or could not start in time, is asked again.
func (r *Relay) glance(ctx context.Context, ref chat.Ref) (chat.Message, error) {
	m, err := r.Replies.Glance(ctx, ref)
	if m = m.AsOf(r.Now()); err == nil && m.Role == chat.Assistant && !m.Lapsed {
		return m, nil
	}
	return r.reply(ctx, ref)
}
