package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// engines returns a client of each engine behind a router: vLLM Router lists them
// at /list_workers, which no engine has. Of an engine itself it returns none, and
// doesn't ask it again.
func (c *Client) engines(ctx context.Context) []*Client {
	if c.single.Load() {
		return nil
	}
	var list struct {
		URLs []string `json:"urls"`
	}
	if err := c.ask(ctx, http.MethodGet, "/list_workers", nil, &list); err != nil {
		c.single.Store(errors.Is(err, ErrRefused))
		return nil
	}
	seen := map[string]bool{}
	var all []*Client
	for _, url := range list.URLs {
		url, _, _ = strings.Cut(url, "@") // of one with several ranks, each is listed
		if !seen[url] {
			seen[url] = true
			one := &Client{set: c.set, http: c.http}
			one.set.URL = url
			one.single.Store(true)
			all = append(all, one)
		}
	}
	return all
}

// together is the load of several engines. One that doesn't tell its load is taken for
// away, and has no room; only if none tells is it ErrNoLoad.
func together(ctx context.Context, engines []*Client) (Load, error) {
	loads, errs := make([]Load, len(engines)), make([]error, len(engines))
	var asking sync.WaitGroup
	for i, e := range engines {
		asking.Go(func() { loads[i], errs[i] = e.Load(ctx) })
	}
	asking.Wait()
	var total Load
	away := 0
	for i, l := range loads {
		if errs[i] != nil {
			away++
			continue
		}
		total.Slots, total.Running, total.Waiting = total.Slots+l.Slots, total.Running+l.Running, total.Waiting+l.Waiting
		total.Looked, total.Cached = total.Looked+l.Looked, total.Cached+l.Cached
		total.KV = max(total.KV, l.KV) // the fullest counts
	}
	if away == len(engines) {
		return Load{}, fmt.Errorf("%w: none of %d engines behind a router does: %w", ErrNoLoad, away, errors.Join(errs...))
	}
	return total, nil
}
