package valkey

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	workerKey  = "fleet:worker"
	aliveEvery = 3 * time.Second
	aliveTTL   = 10 * time.Second
)

// Ping returns nil if the server answers.
func Ping(ctx context.Context, client *redis.Client) error {
	if err := client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ping Valkey: %w", err)
	}
	return nil
}

// Report says, until ctx ends, that some worker is ready whenever ready is nil.
func Report(ctx context.Context, client *redis.Client, ready func() error) {
	tick := time.NewTicker(aliveEvery)
	defer tick.Stop()
	for {
		if ready() == nil {
			client.Set(ctx, workerKey, "1", aliveTTL) // a server that is away is told the next time
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Working returns nil if some worker has lately reported that it is ready.
func Working(ctx context.Context, client *redis.Client) error {
	n, err := client.Exists(ctx, workerKey).Result()
	switch {
	case err != nil:
		return fmt.Errorf("look for a worker: %w", err)
	case n == 0:
		return errors.New("no worker is ready")
	}
	return nil
}
