package valkey

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"parley/shared/chat"
)

// Leases say which worker writes a reply. They save work when the queue delivers
// twice; what keeps answers single is the attempt number in the table.
type Leases struct {
	client *redis.Client
	holder string
	ttl    time.Duration
}

// NewLeases returns the leases that holder (unique to a process) takes, each for
// ttl unless it is kept.
func NewLeases(client *redis.Client, holder string, ttl time.Duration) *Leases {
	return &Leases{client: client, holder: holder, ttl: ttl}
}

// Take reports whether the lease of a reply is now the caller's. It isn't if any
// live worker holds it, this one included.
func (l *Leases) Take(ctx context.Context, ref chat.Ref) (bool, error) {
	taken, err := l.client.SetNX(ctx, leaseKey(ref), l.holder, l.ttl).Result()
	if err != nil {
		return false, fmt.Errorf("take lease of %s: %w", ref.Message, err)
	}
	return taken, nil
}

// keep sets the lease anew if it is gone (the server may have lost it), prolongs
// one's own, and returns 0 for another's.
var keep = redis.NewScript(`
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`)

// Keep prolongs the leases of refs in one round trip and returns those that
// somebody else holds by now.
func (l *Leases) Keep(ctx context.Context, refs []chat.Ref) (lost []chat.Ref, err error) {
	cmds := make([]*redis.Cmd, len(refs))
	_, err = l.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, ref := range refs {
			cmds[i] = keep.Eval(ctx, p, []string{leaseKey(ref)}, l.holder, l.ttl.Milliseconds())
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("keep %d leases: %w", len(refs), err)
	}
	for i, cmd := range cmds {
		if kept, err := cmd.Int(); err == nil && kept == 0 {
			lost = append(lost, refs[i])
		}
	}
	return lost, nil
}

var release = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`)

// Release gives the lease up if it is still the caller's.
func (l *Leases) Release(ctx context.Context, ref chat.Ref) error {
	if err := release.Run(ctx, l.client, []string{leaseKey(ref)}, l.holder).Err(); err != nil {
		return fmt.Errorf("release lease of %s: %w", ref.Message, err)
	}
	return nil
}
