package valkey

import (
	"context"
	"slices"

	"github.com/redis/go-redis/v9"
)

// tell keeps the server informed of what is listened to, until ctx ends.
func (h *Hub) tell(ctx context.Context, pubsub *redis.PubSub) {
	h.forget()
	for {
		more, less := h.take()
		for some := range slices.Chunk(more, commandChannels) {
			if err := pubsub.Subscribe(ctx, some...); err != nil && ctx.Err() == nil {
				h.log.WarnContext(ctx, "subscribing failed; it is tried again", "channels", len(some), "error", err.Error())
				h.again(some)
				pause(ctx, reconnectPause)
			}
		}
		for some := range slices.Chunk(less, commandChannels) {
			_ = pubsub.Unsubscribe(ctx, some...) // a lost connection has unsubscribed already
		}
		select {
		case <-ctx.Done():
			return
		case <-h.kick:
		}
	}
}

// forget marks every channel as unknown to the server.
func (h *Hub) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changed = h.changed[:0]
	for channel, t := range h.topics {
		t.asked, t.confirmed = false, false
		h.changed = append(h.changed, channel)
	}
}

// again marks channels to be asked for once more.
func (h *Hub) again(channels []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, channel := range channels {
		if t := h.topics[channel]; t != nil {
			t.asked = false
		}
		h.change(channel)
	}
}

// take returns the channels to subscribe and to unsubscribe. Who came and went in
// between needs neither.
func (h *Hub) take() (more, less []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, channel := range h.changed {
		t := h.topics[channel]
		switch {
		case t == nil:
		case len(t.subs) > 0 && !t.asked:
			t.asked = true
			more = append(more, channel)
		case len(t.subs) == 0:
			delete(h.topics, channel)
			if t.asked {
				less = append(less, channel)
			}
		}
	}
	h.changed = nil
	return more, less
}
