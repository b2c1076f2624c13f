package valkey

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"parley/shared/chat"
)

// stopTTL outlives every reply, so that a request to stop is found by a worker
// that takes the reply over later, too.
const stopTTL = time.Hour

// Stops carries the user's wish to stop from a relay to the worker that writes.
type Stops struct {
	client *redis.Client
	hub    *Hub
}

// NewStops returns stops that listen through hub, which may be nil for a process
// that only asks.
func NewStops(client *redis.Client, hub *Hub) *Stops { return &Stops{client, hub} }

// Ask requests that whoever writes the reply stops.
func (s *Stops) Ask(ctx context.Context, ref chat.Ref) error {
	_, err := s.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, stopKey(ref), "1", stopTTL)
		p.Publish(ctx, stopKey(ref), "1")
		return nil
	})
	if err != nil {
		return fmt.Errorf("ask to stop %s: %w", ref.Message, err)
	}
	return nil
}

// Watch calls stop once when somebody asks, also if that was before; it returns
// when it has done so or when ctx ends.
func (s *Stops) Watch(ctx context.Context, ref chat.Ref, stop func()) {
	sub := s.hub.Subscribe(stopKey(ref))
	defer sub.Close()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sub.Messages:
			stop()
			return
		case <-sub.Gap:
			if n, err := s.client.Exists(ctx, stopKey(ref)).Result(); err == nil && n == 1 {
				stop()
				return
			}
		}
	}
}
