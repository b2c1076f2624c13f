package valkey

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"parley/shared/chat"
)

// Leases say which worker writes a reply. They save work when the queue delivers
// twice; what keeps answers single is the attempt number in the table. A lease
// carries it, so that of two workers that both believe to hold one, because the
// server was away or came back empty, the one with the newer attempt keeps it.
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

// The value of a lease is "attempt holder", the attempt being 0 until the reply is
// claimed.

// take returns 0, or for how many milliseconds the lease is still another's.
var take = redis.NewScript(`
local value = redis.call('GET', KEYS[1])
if value and string.match(value, ' (.*)') ~= ARGV[1] then return math.max(redis.call('PTTL', KEYS[1]), 1) end
redis.call('SET', KEYS[1], '0 ' .. ARGV[1], 'PX', ARGV[2])
return 0`)

// Take takes the lease of a reply. If another process holds it, wait says for how
// long it does unless that prolongs it; 0 means that the lease is the caller's now.
func (l *Leases) Take(ctx context.Context, ref chat.Ref) (wait time.Duration, err error) {
	ms, err := take.Run(ctx, l.client, []string{leaseKey(ref)}, l.holder, l.ttl.Milliseconds()).Int64()
	if err != nil {
		return 0, fmt.Errorf("take lease of %s: %w", ref.Message, err)
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// keep sets the lease anew if it is gone (the server may have lost it), prolongs
// one's own, takes an older attempt's, and returns 0 for another's.
var keep = redis.NewScript(`
local value = redis.call('GET', KEYS[1])
if value then
  local attempt, holder = string.match(value, '(%d+) (.*)')
  if holder ~= ARGV[1] and tonumber(attempt or 0) >= tonumber(ARGV[3]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[3] .. ' ' .. ARGV[1], 'PX', ARGV[2])
return 1`)

// Keep prolongs the leases of replies, each at the attempt that the caller has of
// it (0: not claimed yet), in one round trip. It returns those that somebody else
// holds at the same attempt or a newer one.
func (l *Leases) Keep(ctx context.Context, attempts map[chat.Ref]int) (lost []chat.Ref, err error) {
	cmds := make(map[chat.Ref]*redis.Cmd, len(attempts))
	_, err = l.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for ref, attempt := range attempts {
			cmds[ref] = keep.Eval(ctx, p, []string{leaseKey(ref)}, l.holder, l.ttl.Milliseconds(), attempt)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("keep %d leases: %w", len(attempts), err)
	}
	for ref, cmd := range cmds {
		if kept, err := cmd.Int(); err == nil && kept == 0 {
			lost = append(lost, ref)
		}
	}
	return lost, nil
}

var release = redis.NewScript(`
local value = redis.call('GET', KEYS[1])
if value and string.match(value, ' (.*)') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`)

// Release gives the lease up if it is still the caller's.
func (l *Leases) Release(ctx context.Context, ref chat.Ref) error {
	if err := release.Run(ctx, l.client, []string{leaseKey(ref)}, l.holder).Err(); err != nil {
		return fmt.Errorf("release lease of %s: %w", ref.Message, err)
	}
	return nil
}
