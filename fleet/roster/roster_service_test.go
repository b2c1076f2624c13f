//go:build service

package main

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/fleet/routertest"
)

// engines are servers with the same port at addresses of this machine, which are
// well or not.
type engines struct {
	port string
	well map[string]*atomic.Bool
}

func startEngines(t *testing.T, addresses ...string) *engines {
	t.Helper()
	ports, err := routertest.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	all := &engines{port: strconv.Itoa(ports[0]), well: map[string]*atomic.Bool{}}
	for _, address := range addresses {
		well := new(atomic.Bool)
		all.well[address] = well
		l, err := net.Listen("tcp", net.JoinHostPort(address, all.port))
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !well.Load() {
				http.Error(w, "loading", http.StatusServiceUnavailable)
			}
		}))
		server.Listener.Close()
		server.Listener = l
		server.Start()
		t.Cleanup(server.Close)
	}
	return all
}

// A real router and engines that come, load, fail for a moment, and go.
func TestTheRouterKnowsTheEnginesThatThereAre(t *testing.T) {
	const a, b, c = "127.0.0.2", "127.0.0.3", "127.0.0.4"
	all := startEngines(t, a, b, c)
	all.well[a].Store(true)
	url := func(address string) string { return "http://" + net.JoinHostPort(address, all.port) }
	router, err := routertest.StartRouter(t.Context(), "../..", routertest.Settings{Engines: []string{url(a)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(router.Kill)

	var named []string
	var failure error
	r, err := newRoster(router.URL, "engine.test:"+all.port, func(context.Context, string) ([]string, error) { return named, failure }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	expect := func(when string, looks int, addresses ...string) {
		t.Helper()
		for range looks {
			r.look(t.Context())
		}
		listed, err := r.listed(t.Context())
		want := []string{}
		for _, address := range addresses {
			want = append(want, url(address))
		}
		if d := cmp.Diff(want, slices.Sorted(maps.Keys(listed))); d != "" || err != nil {
			t.Fatalf("%s: %s %v", when, d, err)
		}
	}
	named = []string{a, b}
	expect("b loads its model", 2, a)
	all.well[b].Store(true)
	expect("b is well", 1, a, b)
	named = []string{b}
	expect("DNS leaves some out, but a is well", 2*misses, a, b)
	named, failure = nil, &net.DNSError{Err: "server misbehaving", Name: "engine.test", IsTemporary: true}
	expect("DNS is away", 2*misses, a, b)
	failure = nil
	all.well[b].Store(false)
	expect("b isn't well for a moment", misses-1, a, b)
	all.well[b].Store(true)
	expect("b is well again, which counts anew", 1, a, b)
	all.well[b].Store(false)
	expect("not long enough", misses-1, a, b)
	expect("b has gone", 1, a)
	named = []string{a, c}
	all.well[a].Store(false)
	all.well[c].Store(true)
	expect("a isn't well, but its name leads there", 2*misses, a, c)

	router.Kill() // and one that knows nothing comes
	r.look(t.Context())
	again, err := routertest.StartRouter(t.Context(), "../..", routertest.Settings{Engines: []string{url(c)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(again.Kill)
	r.router = again.URL
	all.well[a].Store(true)
	expect("a router that has started anew", 1, a, c)
}
