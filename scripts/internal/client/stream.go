package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"parley/shared/chat"
)

// Event is one step of a reply. Name says which fields count: "status" (Status,
// Attempt, Queue, Reset), "delta" (Text), "done" (Finish, Usage) or "error"
// (Code, Detail). After the last two nothing comes.
type Event struct {
	ID   string `json:"-"`
	Name string `json:"-"`

	Status  chat.Status `json:"status"`
	Attempt int         `json:"attempt"`
	Queue   *Queue      `json:"queue"`
	Reset   bool        `json:"reset"` // what was shown is void, the text starts over

	Text string `json:"text"`

	Finish string      `json:"finish_reason"`
	Usage  *chat.Usage `json:"usage"`

	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (e Event) last() bool { return e.Name == "done" || e.Name == "error" }

// silence is how long a stream may say nothing: a comment comes every 15 s.
const silence = 40 * time.Second

// drops is how often in a row a stream may break without a single event.
const drops = 8

var errEndless = errors.New("the stream broke off too often")

// Stream follows a reply from its first event to its last, over any number of
// connections: nothing is lost or repeated. The sequence ends with an error when
// ctx ends or Parley can't be reached; a reply that failed is an event.
func (c *Client) Stream(ctx context.Context, chatID, reply string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s := stream{client: c, path: messagePath(chatID, reply) + "/stream", yield: yield}
		if err := s.follow(ctx); err != nil && !s.over {
			yield(Event{}, err)
		}
	}
}

// stream is the state that outlives a connection.
type stream struct {
	client *Client
	path   string
	yield  func(Event, error) bool
	after  string // id of the last event that was handed out
	over   bool   // the last event was handed out, or nobody wants more
	got    int    // events of this connection
}

func (s *stream) follow(ctx context.Context) error {
	var last error
	for drop := 0; drop < drops; drop++ {
		s.got = 0
		err := s.connect(ctx)
		if s.over || ctx.Err() != nil {
			return ctx.Err()
		}
		if _, refused := errors.AsType[*Error](err); refused {
			return err
		}
		if s.got > 0 {
			drop = 0
		}
		last = err
		if sleep(ctx, s.client.pause<<min(drop, 4)) != nil {
			return ctx.Err()
		}
	}
	return fmt.Errorf("%w: %w", errEndless, last)
}

// connect reads one connection until it ends, and says how.
func (s *stream) connect(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	res, err := s.client.send(ctx, request{
		method: http.MethodGet, path: s.path, accept: "text/event-stream", after: s.after, again: true,
	})
	if err != nil {
		return err
	}
	defer res.Body.Close()
	watch := time.AfterFunc(silence, cancel)
	defer watch.Stop()
	d := newDecoder(&alive{r: res.Body, watch: watch})
	d.id = s.after
	for !s.over {
		f, err := d.next()
		if err != nil {
			return err
		}
		if err := s.hand(f); err != nil {
			return err
		}
	}
	return nil
}

// hand passes one event on. An event of a name that this client doesn't know is
// skipped: fields and events may be added.
func (s *stream) hand(f frame) error {
	s.after, s.got = f.id, s.got+1
	e := Event{ID: f.id, Name: f.name}
	switch f.name {
	case "status", "delta", "done", "error":
	default:
		return nil
	}
	if err := json.Unmarshal([]byte(f.data), &e); err != nil {
		s.over = true
		s.yield(Event{}, fmt.Errorf("event %s of the stream: %w", f.name, err))
		return nil
	}
	s.over = !s.yield(e, nil) || e.last()
	return nil
}

// alive puts the watch back whenever bytes arrive, comments included.
type alive struct {
	r     io.Reader
	watch *time.Timer
}

// Read implements io.Reader.
func (a *alive) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	if n > 0 {
		a.watch.Reset(silence)
	}
	return n, err
}
