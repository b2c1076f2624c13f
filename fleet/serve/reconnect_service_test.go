//go:build service

package serve_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/shared/chat"
	"parley/shared/quota"
)

func TestTwoWatchersSeeTheSame(t *testing.T) {
	s, e := small(t, 10*time.Millisecond)
	s.Work(s.Parts(e.URL))
	ref := s.Ask("", "Why?")
	var texts [2]string
	var watchers sync.WaitGroup
	for i := range texts {
		watchers.Go(func() { texts[i], _ = fleettest.Text("", s.Stream(t.Context(), ref, "", nil)) })
	}
	watchers.Wait()
	if want := enginetest.Answer("Why?", 40); texts[0] != want || texts[1] != want {
		t.Errorf("got %q, want %q", texts, want)
	}
}

// A client that loses its connection again and again reads everything once.
func TestManyReconnections(t *testing.T) {
	s, e := small(t, 20*time.Millisecond)
	s.Work(s.Parts(e.URL))
	ref := s.Ask("", "Why?")
	shown, after, connections := "", "", 0
	for over := false; !over; connections++ {
		ctx, cancel := context.WithCancel(t.Context())
		deltas := 0
		events := s.Stream(ctx, ref, after, func(e fleettest.Event) {
			after, over = e.ID, e.Name == "done"
			if deltas++; deltas == 2 {
				cancel()
			}
		})
		cancel()
		var resets int
		if shown, resets = fleettest.Text(shown, events); resets > 0 {
			t.Fatal("reset")
		}
	}
	if want := enginetest.Answer("Why?", 40); shown != want || connections < 3 {
		t.Errorf("after %d connections %q, want %q", connections, shown, want)
	}
	resp := s.Get(t.Context(), "GET", fleettest.Path(ref, "stream"), s.Token, "Last-Event-ID", after)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		t.Errorf("after the end: status %d", resp.StatusCode)
	}
}

// A client that takes nothing loses its connection, not the reply; and it holds
// no more than a bounded buffer meanwhile.
func TestSlowReaderIsDropped(t *testing.T) {
	s, _ := small(t, 0)
	s.Relay.Write = 200 * time.Millisecond
	ref := s.Ask("", "Why?")
	got, err := s.Queues[quota.Free].Receive(t.Context(), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.Chats.Claim(t.Context(), got[0].Prompt)
	if err != nil {
		t.Fatal(err)
	}
	whole := strings.Repeat("as long as it gets ", 400_000) // more than sockets buffer
	if err := s.Chats.Commit(t.Context(), ref, m.Attempt, chat.Result{Status: chat.Done, Text: whole}); err != nil {
		t.Fatal(err)
	}
	resp := s.Get(t.Context(), "GET", fleettest.Path(ref, "stream"), s.Token)
	defer resp.Body.Close()
	time.Sleep(time.Second)
	body, err := io.ReadAll(resp.Body)
	if err == nil || len(body) > 7_000_000 {
		t.Fatalf("%d bytes of a stream that nobody took, %v", len(body), err)
	}
	at := strings.LastIndex(string(body[:strings.LastIndex(string(body), "\n\n")]), "id: ")
	after, _, _ := strings.Cut(string(body[at+4:]), "\n")
	events := s.Stream(t.Context(), ref, after, nil)
	rest, resets := fleettest.Text("", events)
	if resets > 0 || rest == "" || !strings.HasSuffix(whole, rest) {
		t.Errorf("%d resets, %d bytes after %s", resets, len(rest), after)
	}
}
