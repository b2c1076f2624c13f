//go:build service

package serve_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/fleet/fleettest"
)

// knock opens a stream over a connection of its own and returns the status.
func knock(s *fleettest.Stack, path string) (net.Conn, string, error) {
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(s.URL, "http://"), 20*time.Second)
	if err != nil {
		return nil, "", err
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer %s\r\n\r\n", path, s.Token)
	status, err := bufio.NewReader(conn).ReadString('\n')
	return conn, strings.TrimSpace(status), err
}

// A user opens 1,000 connections. The limit's worth of them stream; the others are
// refused, closed, and leave nothing behind; and when a page is closed another may
// be opened.
func TestOneUserOpensTooMany(t *testing.T) {
	s, _ := small(t, 0)
	s.Relay.Look = 500 * time.Millisecond
	ref := s.Ask("", "Why?")
	path := fleettest.Path(ref, "stream")
	var open, refused atomic.Int64
	conns := make(chan net.Conn, 1000)
	var all sync.WaitGroup
	before, began := runtime.NumGoroutine(), time.Now()
	for range 10 {
		all.Go(func() {
			for range 100 {
				conn, status, err := knock(s, path)
				if err != nil {
					t.Error(err)
					return
				}
				switch status {
				case "HTTP/1.1 200 OK":
					open.Add(1)
					conns <- conn
				case "HTTP/1.1 429 Too Many Requests":
					refused.Add(1)
					conn.Close()
				default:
					t.Errorf("answer %q", status)
				}
			}
		})
	}
	all.Wait()
	if open.Load() != 50 || refused.Load() != 950 {
		t.Fatalf("%d streams are open, %d were refused", open.Load(), refused.Load())
	}
	fleettest.Await(t, 5*time.Second, "a goroutine for each stream and no more", func() bool { return runtime.NumGoroutine() <= before+80 })
	t.Logf("1,000 connections took %s", time.Since(began))
	resp := s.Get(t.Context(), "GET", path, s.Token)
	resp.Body.Close()
	if resp.StatusCode != 429 || resp.Header.Get("Retry-After") == "" || !resp.Close {
		t.Errorf("status %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	if wait := s.Get(t.Context(), "GET", fleettest.Path(ref, "wait"), s.Token); wait.StatusCode != 429 {
		t.Errorf("a wait beside them: %d", wait.StatusCode)
	}
	(<-conns).Close()
	fleettest.Await(t, 5*time.Second, "there is room again", func() bool {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		resp := s.Get(ctx, "GET", path, s.Token)
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	close(conns)
	for conn := range conns {
		conn.Close()
	}
}
