//go:build service

package serve_test

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/fleet/frame"
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

// A client stops reading while frames keep coming. It is dropped, nobody holds more
// for it than a bounded buffer, and with its last id it reads on: nothing is lost,
// nothing comes twice.
func TestClientStopsReading(t *testing.T) {
	s, _ := small(t, 0)
	s.Relay.Write = 100 * time.Millisecond
	ref := s.Ask("", "Why?")
	m := take(t, s)
	log := frame.NewLog(s.Valkey)
	if _, err := log.Begin(t.Context(), ref, m.Attempt); err != nil {
		t.Fatal(err)
	}
	resp := s.Get(t.Context(), "GET", fleettest.Path(ref, "stream"), s.Token)
	defer resp.Body.Close()
	var whole strings.Builder
	seq := int64(1)
	for whole.Len() < 6<<20 { // more than sockets buffer
		text := strconv.Itoa(int(seq)) + strings.Repeat(" word", 1600)
		seq++
		if err := log.Append(t.Context(), ref, frame.Frame{Attempt: m.Attempt, Seq: seq, Start: whole.Len(), Text: text}); err != nil {
			t.Fatal(err)
		}
		whole.WriteString(text)
	}
	time.Sleep(500 * time.Millisecond) // longer than a write may take
	body, err := io.ReadAll(resp.Body)
	if err == nil {
		t.Fatalf("the stream of a client that took nothing ended well, after %d bytes", len(body))
	}
	got := string(body)
	events := s.Parse(got[:strings.LastIndex(got, "\n\n")+2])
	shown, _ := fleettest.Text("", events)
	if len(shown) > 5<<20 || !strings.HasPrefix(whole.String(), shown) || shown == "" {
		t.Fatalf("%d bytes were shown", len(shown))
	}
	if err := s.Chats.Commit(t.Context(), ref, m.Attempt, chat.Result{Status: chat.Done, Text: whole.String()}); err != nil {
		t.Fatal(err)
	}
	rest := s.Stream(t.Context(), ref, events[len(events)-1].ID, nil)
	if text, resets := fleettest.Text(shown, rest); text != whole.String() || resets > 0 {
		t.Errorf("%d resets, %d bytes instead of %d", resets, len(text), whole.Len())
	}
}
