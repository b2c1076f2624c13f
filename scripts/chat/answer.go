package main

import (
	"context"
	"errors"
	"math"
	"time"

	"parley/scripts/internal/client"
)

// stopLimit is how long to wait for a stopped answer's last event.
const stopLimit = 10 * time.Second

// follow shows a reply while it is written. Ctrl-C and /stop stop it.
func (s *session) follow(ctx context.Context, chatID, reply string) error {
	following, cancel := context.WithCancel(ctx)
	defer cancel()
	halt := func() { go s.halt(following, cancel, chatID, reply) }
	err := s.stoppable(halt, func() error { return s.show(following, chatID, reply) })
	if errors.Is(err, context.Canceled) && ctx.Err() == nil {
		return nil // stopped; its last event never came
	}
	return err
}

// stoppable does something that Ctrl-C and /stop end by halt.
func (s *session) stoppable(halt func(), do func() error) error {
	s.stop.during(halt)
	defer s.stop.during(nil)

	watching, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watching)
		s.console.in.watchFor("/stop", done, s.stop.halt)
	}()
	defer func() { close(done); <-watching }()
	return do()
}

// halt asks the server to stop a reply, which the stream then says.
func (s *session) halt(ctx context.Context, cancel func(), chatID, reply string) {
	if _, err := s.client.Cancel(ctx, chatID, reply); err != nil && ctx.Err() == nil {
		s.console.say("\n(The answer could not be stopped: %s)\n", explain(err))
		return
	}
	time.AfterFunc(stopLimit, cancel)
}

// show prints the events of a reply.
func (s *session) show(ctx context.Context, chatID, reply string) error {
	p := printer{console: s.console}
	for e, err := range s.client.Stream(ctx, chatID, reply) {
		if err != nil {
			p.end("")
			return err
		}
		p.event(e)
	}
	return nil
}

// printer writes a reply to the console.
type printer struct {
	console *console
	waiting bool // a line about the queue stands there
	begun   bool // text stands there
	newline bool // the text so far ends its line
}

func (p *printer) event(e client.Event) {
	switch e.Name {
	case "status":
		if e.Reset && p.begun {
			p.end("(The answer starts over.)")
			p.begun = false
		}
		if e.Queue != nil && !p.begun {
			p.wait(*e.Queue)
		}
	case "delta":
		p.text(e.Text)
	case "done":
		p.end(map[string]string{
			"length":    "(The answer was cut: it reached its greatest length.)",
			"cancelled": "(Stopped.)",
		}[e.Finish])
	case "error":
		p.end(plain(e.Detail))
	}
}

// wait says how long the queue is, on a line that the answer replaces.
func (p *printer) wait(q client.Queue) {
	p.clear()
	if q.Ahead > 0 {
		p.console.hint("(%d before you, about %.0f s)", q.Ahead, math.Ceil(q.ETA))
		p.waiting = true
	}
}

func (p *printer) clear() {
	if p.waiting {
		p.console.hint("\r\x1b[K")
		p.waiting = false
	}
}

func (p *printer) text(t string) {
	p.clear()
	if t = plain(t); t == "" {
		return
	}
	p.console.say("%s", t)
	p.begun, p.newline = true, t[len(t)-1] == '\n'
}

// end finishes the line and adds a remark.
func (p *printer) end(remark string) {
	p.clear()
	if p.begun && !p.newline {
		p.console.say("\n")
	}
	p.newline = true
	if remark != "" {
		p.console.say("%s\n", remark)
	}
}
