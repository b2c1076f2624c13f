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
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// Settings say where the server is, and how it is spoken to.
type Settings struct {
	Addr     string `env:"VALKEY_ADDR,required,notEmpty"` // host:port
	TLS      bool   `env:"VALKEY_TLS"`                    // checked against the system's authorities
	User     string `env:"VALKEY_USER"`                   // empty: the server's default user
	Password string `env:"VALKEY_PASSWORD"`
}

// Open returns a client of the server. It doesn't connect yet. Its time-outs are
// short, because whoever calls can do without.
func Open(s Settings) *redis.Client {
	options := &redis.Options{
		Addr:                  s.Addr,
		Username:              s.User,
		Password:              s.Password,
		DialTimeout:           300 * time.Millisecond,
		ReadTimeout:           500 * time.Millisecond,
		WriteTimeout:          500 * time.Millisecond,
		PoolTimeout:           time.Second,
		PoolSize:              16,
		MaxRetries:            -1, // callers know what may be repeated
		DialerRetries:         1,
		ContextTimeoutEnabled: true,
		DisableIdentity:       true,
	}
	if s.TLS {
		host, _, _ := net.SplitHostPort(s.Addr) // without a port it can't be dialled either
		options.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	}
	return redis.NewClient(options)
}

// LogTo sends what the client library has to say to log. It is one setting for
// the whole process, so main calls it, once.
func LogTo(log *slog.Logger) { redis.SetLogger(lines{log}) }

type lines struct{ log *slog.Logger }

// Printf is how the library logs. Failures that matter come back as errors, too.
func (l lines) Printf(ctx context.Context, format string, v ...any) {
	l.log.DebugContext(ctx, "valkey client", "said", fmt.Sprintf(format, v...))
}
