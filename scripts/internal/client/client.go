// Package client speaks Parley's public HTTP API, for the programs of scripts/.
//
// It is what a careful client of the contract looks like, in one place:
//
//   - errors are problem documents, and come back as *Error (error.go);
//   - an access token that has run out is replaced once, by one call however
//     many requests wait for it (session.go), and the refresh token that comes
//     back is kept by a Vault before it is used;
//   - a send carries an Idempotency-Key and is repeated on 429, 503 and a broken
//     connection, no sooner than Retry-After says (call.go);
//   - a stream is resumed where it broke off, by Last-Event-ID (stream.go);
//   - a file goes to the storage in parts, each repeated by itself, and an upload
//     is resumed by what the server says is missing (upload.go, transfer.go); it
//     comes back from the storage without the token going there (download.go).
//
// A Client may be used by several goroutines at once.
package client

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// Client calls one Parley as one user, or as nobody before a log-in.
type Client struct {
	base    string
	http    *http.Client // of the API: redirects are answers
	storage *http.Client // of the bytes of files: never sees a token
	vault   Vault
	pause   time.Duration // before the first repeat; doubles

	turn    chan struct{} // holds one token: whose turn it is to refresh
	mu      sync.Mutex
	access  string
	expires time.Time
}

// longestWait is how long a Retry-After may be for a request to wait for it; a
// longer one (an hour's quota, for instance) is the caller's to know about.
const longestWait = 30 * time.Second

// New returns a client of the Parley at base, "http://127.0.0.1:8080" for
// instance. A nil vault keeps the session in memory only.
func New(base string, vault Vault) *Client {
	if vault == nil {
		vault = &memory{}
	}
	return &Client{
		base:    strings.TrimRight(base, "/"),
		http:    &http.Client{Transport: transport(), CheckRedirect: asAnswer},
		storage: &http.Client{Transport: transport()},
		vault:   vault,
		pause:   250 * time.Millisecond,
		turn:    make(chan struct{}, 1),
	}
}

// Carry replaces what carries the bytes of files, before the first of them; for a
// proxy of its own, or to see what goes over the wire.
func (c *Client) Carry(by http.RoundTripper) { c.storage.Transport = by }

// asAnswer makes a redirect the answer: a client that follows one to another port
// of the same host would take the token along.
func asAnswer(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// transport waits 30 s for an answer to begin, which a held request (25 s at
// most) needs, and puts no limit on a stream's length.
func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = 30 * time.Second
	return t
}
