// Package valkey is what the fleet shares through Valkey (or Redis 6.2 and up)
// besides the frames themselves: the names of keys, one pub/sub connection for
// everything that a process listens to, leases and requests to stop.
//
// Nothing here is needed for a reply to be written and kept. Without Valkey a
// worker goes on and the queue's visibility is the lease; readers get the reply
// from the table when it has ended.
//
// It takes one server, or a cluster that looks like one (ElastiCache Serverless, a
// replication group with cluster mode off). With cluster mode on, keys would have
// to be sent to their shards, which the client of Open doesn't do; the names are fit
// for it (key.go). Announcements would still arrive, because a cluster passes
// PUBLISH on to all its nodes, and at that price; shards' own channels (SPUBLISH,
// since Redis 7) would spare it.
package valkey

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
)

// Open returns a client of the server at addr (host:port). It doesn't connect
// yet. Its time-outs are short, because whoever calls can do without.
func Open(addr string) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr:                  addr,
		DialTimeout:           300 * time.Millisecond,
		ReadTimeout:           500 * time.Millisecond,
		WriteTimeout:          500 * time.Millisecond,
		PoolTimeout:           time.Second,
		PoolSize:              16,
		MaxRetries:            -1, // callers know what may be repeated
		DialerRetries:         1,
		ContextTimeoutEnabled: true,
		DisableIdentity:       true,
	})
}

// LogTo sends what the client library has to say to log. It is one setting for
// the whole process, so main calls it, once.
func LogTo(log *slog.Logger) { redis.SetLogger(lines{log}) }

type lines struct{ log *slog.Logger }

// Printf is how the library logs. Failures that matter come back as errors, too.
func (l lines) Printf(ctx context.Context, format string, v ...any) {
	l.log.DebugContext(ctx, "valkey client", "said", fmt.Sprintf(format, v...))
}
