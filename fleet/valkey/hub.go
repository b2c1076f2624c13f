package valkey

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// idle is the channel that keeps the hub's connection open with no subscriber.
const idle = "hub"

// Hub listens to any number of channels over one connection.
type Hub struct {
	pubsub *redis.PubSub
	log    *slog.Logger

	mu   sync.Mutex
	subs map[string]map[*Sub]struct{}
}

// Sub is one listener of one channel. Messages holds a bounded number of
// payloads. Gap tells, without ever blocking the hub, that some may have been
// missed: at the start, after a reconnection, or when the listener was slow. Who
// reads from it has to look at the stored state then.
type Sub struct {
	Messages chan string
	Gap      chan struct{}
	hub      *Hub
	channel  string
}

// subBuffer is how many payloads a slow listener may be behind.
const subBuffer = 64

// NewHub starts a hub on client; it ends with ctx.
func NewHub(ctx context.Context, client *redis.Client, log *slog.Logger) *Hub {
	h := &Hub{pubsub: client.Subscribe(ctx, idle), log: log, subs: map[string]map[*Sub]struct{}{}}
	go h.run(ctx)
	return h
}

func (h *Hub) run(ctx context.Context) {
	defer h.pubsub.Close()
	events := h.pubsub.ChannelWithSubscriptions(redis.WithChannelSize(4096), redis.WithChannelHealthCheckInterval(2*time.Second))
	for {
		select {
		case <-ctx.Done():
			return
		case event, open := <-events:
			if !open {
				return
			}
			h.dispatch(event)
		}
	}
}

func (h *Hub) dispatch(event any) {
	switch e := event.(type) {
	case *redis.Message:
		h.each(e.Channel, func(s *Sub) { s.offer(e.Payload) })
	case *redis.Subscription: // confirmed now, or again after a reconnection
		if e.Kind == "subscribe" {
			h.each(e.Channel, (*Sub).missed)
		}
	}
}

func (h *Hub) each(channel string, do func(*Sub)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subs[channel] {
		do(s)
	}
}

// Subscribe listens to channel until Close. The first Gap comes when the server
// has confirmed it: what is stored then, and the messages after it, are
// everything. It never fails: while the server is away there is just silence.
func (h *Hub) Subscribe(ctx context.Context, channel string) *Sub {
	s := &Sub{Messages: make(chan string, subBuffer), Gap: make(chan struct{}, 1), hub: h, channel: channel}
	h.mu.Lock()
	first := len(h.subs[channel]) == 0
	if first {
		h.subs[channel] = map[*Sub]struct{}{}
	}
	h.subs[channel][s] = struct{}{}
	if first {
		// Under the lock, so that it can't overtake the last listener's leaving.
		if err := h.pubsub.Subscribe(ctx, channel); err != nil {
			h.log.WarnContext(ctx, "subscribing failed; it is tried again with the connection", "error", err.Error())
		}
	} else {
		s.missed()
	}
	h.mu.Unlock()
	return s
}

// Close stops listening.
func (s *Sub) Close() {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.subs[s.channel], s)
	if len(h.subs[s.channel]) > 0 {
		return
	}
	delete(h.subs, s.channel)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = h.pubsub.Unsubscribe(ctx, s.channel) // a lost connection has unsubscribed already
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
