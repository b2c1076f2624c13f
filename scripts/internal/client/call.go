package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
)

// request is one call of the API.
type request struct {
	method, path string
	body         any    // nil: none
	open         bool   // needs no access token
	key          string // Idempotency-Key
	again        bool   // may be repeated: it changes nothing, or carries a key
	accept       string
	after        string // Last-Event-ID
}

// maxAnswer is the size in bytes of an answer that is still read: a page of
// history ends before 4 MB of text, which JSON may write twice as long.
const maxAnswer = 16 << 20

// tries is how often a request that may be repeated is sent.
const tries = 5

// call sends a request and decodes its answer into out; nil throws it away.
func (c *Client) call(ctx context.Context, r request, out any) error {
	res, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return &Unreachable{URL: c.base, Err: err}
	}
	if out == nil || len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("answer to %s %s: %w", r.method, r.path, err)
	}
	return nil
}

// send repeats a request as far as it may be repeated, and returns the first
// success. The caller closes its body.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	pause := c.pause
	for try := 1; ; try++ {
		res, err := c.authorized(ctx, r)
		if err == nil {
			return res, nil
		}
		wait, ok := worthRepeating(err)
		if !r.again || !ok || try == tries {
			return nil, err
		}
		wait = max(wait, pause/2+rand.N(pause))
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
			return nil, err
		}
		if sleep(ctx, wait) != nil {
			return nil, err
		}
		pause *= 2
	}
}

// worthRepeating tells whether the same request may succeed later, and the least
// time to wait for that.
func worthRepeating(err error) (time.Duration, bool) {
	if e, ok := errors.AsType[*Error](err); ok {
		busy := e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable ||
			e.Status == http.StatusBadGateway || e.Status == http.StatusGatewayTimeout
		return e.RetryAfter, busy && e.RetryAfter <= longestWait
	}
	_, ok := errors.AsType[*Unreachable](err)
	return 0, ok && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// authorized adds the access token; one that is refused is replaced once.
func (c *Client) authorized(ctx context.Context, r request) (*http.Response, error) {
	if r.open {
		return c.once(ctx, r, "")
	}
	token, err := c.token(ctx, "")
	if err != nil {
		return nil, err
	}
	res, err := c.once(ctx, r, token)
	if e, ok := errors.AsType[*Error](err); !ok || e.Status != http.StatusUnauthorized {
		return res, err
	}
	if token, err = c.token(ctx, token); err != nil {
		return nil, err
	}
	return c.once(ctx, r, token)
}

// once sends one HTTP request.
func (c *Client) once(ctx context.Context, r request, token string) (*http.Response, error) {
	req, err := c.build(ctx, r, token)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, &Unreachable{URL: c.base, Err: err}
	}
	if res.StatusCode >= 200 && res.StatusCode < 300 || res.StatusCode == http.StatusFound {
		return res, nil
	}
	defer res.Body.Close()
	return nil, failure(res)
}

func (c *Client) build(ctx context.Context, r request, token string) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		encoded, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("body of %s %s: %w", r.method, r.path, err)
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, body)
	if err != nil {
		return nil, fmt.Errorf("the address of Parley is not a URL: %w", err)
	}
	for name, value := range map[string]string{
		"Accept": r.accept, "Idempotency-Key": r.key, "Last-Event-ID": r.after,
	} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
