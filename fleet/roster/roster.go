package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	misses    = 3               // looks in a row in which an engine isn't well before it is taken out
	answer    = 3 * time.Second // for an engine to say that it is well
	tell      = 8 * time.Second // for the router to take an engine, which it asks first
	maxAnswer = 1 << 20         // bytes of a list
)

// roster holds a router's list to the engines that there are.
type roster struct {
	router  string // URL without a slash at its end
	host    string
	port    string
	resolve func(ctx context.Context, host string) ([]string, error)
	log     *slog.Logger
	missed  map[string]int // how often in a row a listed engine wasn't well
}

func newRoster(router, engines string, resolve func(context.Context, string) ([]string, error), log *slog.Logger) (*roster, error) {
	host, port, err := net.SplitHostPort(engines)
	if err != nil {
		return nil, fmt.Errorf("engines at %q: %w", engines, err)
	}
	return &roster{router: strings.TrimRight(router, "/"), host: host, port: port, resolve: resolve, log: log, missed: map[string]int{}}, nil
}

// look compares once. What fails is tried again by the next look.
func (r *roster) look(ctx context.Context) {
	listed, err := r.listed(ctx)
	if err != nil {
		r.warn(ctx, "the router's list can't be read", "", err)
		return
	}
	named := r.named(ctx)
	all := maps.Clone(listed)
	maps.Copy(all, named)
	well := r.ask(ctx, all)
	for engine := range named {
		if well[engine] && !listed[engine] {
			r.change(ctx, "add_worker", engine)
		}
	}
	for engine := range r.missed {
		if !listed[engine] {
			delete(r.missed, engine)
		}
	}
	for engine := range listed {
		if well[engine] {
			delete(r.missed, engine)
			continue
		}
		if r.missed[engine]++; r.missed[engine] >= misses && !named[engine] {
			r.change(ctx, "remove_worker", engine)
		}
	}
}

// listed returns the engines that the router knows.
func (r *roster) listed(ctx context.Context) (map[string]bool, error) {
	body, err := call(ctx, http.MethodGet, r.router+"/list_workers", answer)
	if err != nil {
		return nil, err
	}
	var list struct {
		URLs []string `json:"urls"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("decode the list: %w", err)
	}
	return set(list.URLs), nil
}

// named returns the engines that the name leads to at present: with many there are
// always some missing, and none at all when DNS is away.
func (r *roster) named(ctx context.Context) map[string]bool {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	addresses, err := r.resolve(ctx, r.host)
	if missing, ok := errors.AsType[*net.DNSError](err); err != nil && !(ok && missing.IsNotFound) { // no engine is no failure
		r.warn(ctx, "the engines' name can't be resolved", "", err)
	}
	urls := make([]string, len(addresses))
	for i, address := range addresses {
		urls[i] = "http://" + net.JoinHostPort(address, r.port)
	}
	return set(urls)
}

// ask returns which of these engines are well.
func (r *roster) ask(ctx context.Context, engines map[string]bool) map[string]bool {
	well := map[string]bool{}
	var mu sync.Mutex
	var asked sync.WaitGroup
	for engine := range engines {
		asked.Go(func() {
			_, err := call(ctx, http.MethodGet, engine+"/health", answer)
			mu.Lock()
			defer mu.Unlock()
			well[engine] = err == nil
		})
	}
	asked.Wait()
	return well
}

// change tells the router.
func (r *roster) change(ctx context.Context, verb, engine string) {
	_, err := call(ctx, http.MethodPost, r.router+"/"+verb+"?url="+url.QueryEscape(engine), tell)
	if err != nil {
		r.warn(ctx, "the router wasn't told", engine, err)
		return
	}
	r.log.Info("the router was told", "verb", verb, "engine", engine)
}

func (r *roster) warn(ctx context.Context, what, engine string, err error) {
	if ctx.Err() != nil {
		return // it is to end
	}
	r.log.Warn(what, "engine", engine, "error", err.Error())
}

// call returns the body of an answer of status 200.
func call(ctx context.Context, method, url string, limit time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.200s", resp.Status, body)
	}
	return body, err
}

func set(all []string) map[string]bool {
	m := make(map[string]bool, len(all))
	for _, one := range all {
		m[one] = true
	}
	return m
}
