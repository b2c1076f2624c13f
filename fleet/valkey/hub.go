package valkey

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// idle is the channel that keeps the hub's connection open with no subscriber.
	idle = "hub"
	// subBuffer is how many payloads a slow listener may be behind. Who falls
	// further back reads the stored state, so it needn't be many.
	subBuffer = 16
	// silence is how long a connection may be quiet before it is pinged, and again
	// before it is given up.
	silence = 2 * time.Second
	// commandChannels bounds the channels of one command.
	commandChannels = 1000
	// reconnectPause is the time between two attempts to reach the server.
	reconnectPause = 100 * time.Millisecond
)

// Hub listens to any number of channels over one connection. One goroutine tells
// the server what is listened to, many channels in a command, and another hears;
// so whoever subscribes or closes never waits for the network.
type Hub struct {
	client *redis.Client
	log    *slog.Logger
	kick   chan struct{} // changed isn't empty

	mu      sync.Mutex
	topics  map[string]*topic
	changed []string // channels that may have to be subscribed or unsubscribed
}

// topic is a channel that somebody listens to, or did until a moment ago.
type topic struct {
	subs      []*Sub
	asked     bool // the server has been asked for it
	confirmed bool // and has said yes
}

// Sub is one listener of one channel. Messages holds a bounded number of
// payloads. Gap tells, without ever blocking the hub, that some may have been
// missed: at the start, after a reconnection, or when the listener was slow. Who
// looks at the stored state at each Gap, and hears the messages, misses nothing.
type Sub struct {
	Messages chan string
	Gap      chan struct{}
	hub      *Hub
	channel  string
}

// NewHub starts a hub on client; it ends with ctx.
func NewHub(ctx context.Context, client *redis.Client, log *slog.Logger) *Hub {
	h := &Hub{client: client, log: log, kick: make(chan struct{}, 1), topics: map[string]*topic{}}
	h.Subscribe(idle)
	go h.run(ctx)
	return h
}

// Subscribe listens to channel until Close, and returns at once. A Gap comes when
// the server has confirmed it, and another whenever something may have been missed
// since. It never fails: while the server is away there is just silence.
func (h *Hub) Subscribe(channel string) *Sub {
	s := &Sub{Messages: make(chan string, subBuffer), Gap: make(chan struct{}, 1), hub: h, channel: channel}
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[channel]
	if t == nil {
		t = &topic{}
		h.topics[channel] = t
	}
	t.subs = append(t.subs, s)
	if t.confirmed {
		s.missed()
	} else if !t.asked {
		h.change(channel)
	}
	return s
}

// Close stops listening. It returns at once and may be called again.
func (s *Sub) Close() {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[s.channel]
	if t == nil {
		return
	}
	t.subs = slices.DeleteFunc(t.subs, func(other *Sub) bool { return other == s })
	if len(t.subs) == 0 {
		h.change(s.channel)
	}
}

// change notes that the server may have to be told about channel.
func (h *Hub) change(channel string) {
	h.changed = append(h.changed, channel)
	select {
	case h.kick <- struct{}{}:
	default:
	}
}

func (h *Hub) run(ctx context.Context) {
	for ctx.Err() == nil {
		h.session(ctx)
	}
}

// session listens until ctx ends or the connection has been silent for too long.
// Through shorter troubles the client library renews the connection by itself, and
// each channel is confirmed anew.
func (h *Hub) session(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	pubsub := h.client.Subscribe(ctx)
	var telling sync.WaitGroup
	telling.Go(func() { h.tell(ctx, pubsub) })
	h.listen(ctx, pubsub)
	cancel()
	_ = pubsub.Close() // it is given up
	telling.Wait()
}

// listen hands on what arrives.
func (h *Hub) listen(ctx context.Context, pubsub *redis.PubSub) {
	for pinged := false; ctx.Err() == nil; {
		event, err := pubsub.ReceiveTimeout(ctx, silence)
		if err == nil {
			pinged = false
			h.dispatch(event)
			continue
		}
		if late, ok := errors.AsType[net.Error](err); !ok || !late.Timeout() {
			pause(ctx, reconnectPause)
			continue
		}
		if pinged {
			h.log.WarnContext(ctx, "Valkey is silent; connecting anew")
			return
		}
		pinged = true
		_ = pubsub.Ping(ctx) // if it can't be written, there will be silence
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (h *Hub) dispatch(event any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch e := event.(type) {
	case *redis.Message:
		if t := h.topics[e.Channel]; t != nil {
			for _, s := range t.subs {
				s.offer(e.Payload)
			}
		}
	case *redis.Subscription: // confirmed now, or again after a reconnection
		if t := h.topics[e.Channel]; t != nil && e.Kind == "subscribe" {
			t.confirmed = true
			for _, s := range t.subs {
				s.missed()
			}
		}
	}
}

func (s *Sub) offer(payload string) {
	select {
	case s.Messages <- payload:
	default:
		s.missed()
	}
}

func (s *Sub) missed() {
	select {
	case s.Gap <- struct{}{}:
	default:
	}
}
