package client

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// Vault keeps the refresh token of a session.
//
// A refresh token works once; a second use ends the session. So whoever shares
// a session, be it another process, must take turns: Rotate calls exchange with
// the newest token while nobody else rotates, and keeps what it returns before
// it lets the next one in. An empty token means that nobody is logged in.
type Vault interface {
	Rotate(ctx context.Context, exchange func(old string) (string, error)) error
}

// memory is a Vault for as long as the process runs.
type memory struct {
	mu    sync.Mutex
	token string
}

// Rotate implements Vault.
func (m *memory) Rotate(_ context.Context, exchange func(string) (string, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	token, err := exchange(m.token)
	if err == nil {
		m.token = token
	}
	return err
}

// tokens is the answer to a sign-up, a log-in and a refresh.
type tokens struct {
	Access    string `json:"access_token"`
	ExpiresIn int    `json:"expires_in"` // seconds
	Refresh   string `json:"refresh_token"`
}

// errNoSession: the client was never logged in, or has logged out.
var errNoSession = &Error{Status: http.StatusUnauthorized, Code: "token_missing", Detail: "Log in first."}

// early is how long before its end an access token is replaced, so that it
// doesn't run out on the way.
const early = 30 * time.Second

// enter makes t the session.
func (c *Client) enter(ctx context.Context, t tokens) error {
	return c.vault.Rotate(ctx, func(string) (string, error) {
		c.keep(t)
		return t.Refresh, nil
	})
}

func (c *Client) keep(t tokens) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.access = t.Access
	c.expires = time.Now().Add(time.Duration(t.ExpiresIn) * time.Second)
}

func (c *Client) current() (access string, fresh bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.access, c.access != "" && time.Until(c.expires) > early
}

// token returns an access token other than stale, the one that was refused. One
// caller fetches a new one; the others wait and get the same.
func (c *Client) token(ctx context.Context, stale string) (string, error) {
	if access, fresh := c.current(); fresh && access != stale {
		return access, nil
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if access, fresh := c.current(); fresh && access != stale {
		return access, nil
	}
	err := c.refresh(ctx)
	access, _ := c.current()
	return access, err
}

// refresh swaps the refresh token for a new pair. A caller who gives up
// meanwhile doesn't stop it: the old token may be spent already.
func (c *Client) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return c.vault.Rotate(ctx, func(old string) (string, error) {
		if old == "" {
			return "", errNoSession
		}
		var t tokens
		in := map[string]string{"refresh_token": old}
		if err := c.call(ctx, request{method: http.MethodPost, path: "/v1/token", body: in, open: true}, &t); err != nil {
			return "", err
		}
		c.keep(t)
		return t.Refresh, nil
	})
}

// Reach reports whether something that speaks HTTP answers at the address.
func (c *Client) Reach(ctx context.Context) error {
	err := c.call(ctx, request{method: http.MethodGet, path: "/.well-known/jwks.json", open: true}, nil)
	if _, answered := errors.AsType[*Error](err); answered {
		return nil
	}
	return err
}

// Resume reports whether the vault holds a session that still lives.
func (c *Client) Resume(ctx context.Context) (bool, error) {
	_, err := c.token(ctx, "")
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusUnauthorized {
		return false, nil
	}
	return err == nil, err
}
