//go:build service

package serve_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/fleet/valkey"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/quota"
)

// small starts a stack with an engine whose answers are known.
func small(t *testing.T, pace time.Duration) (*fleettest.Stack, *enginetest.Engine) {
	t.Helper()
	e := enginetest.New(t)
	e.Pace, e.Words = pace, 40
	return fleettest.New(t), e
}

// ended waits for a reply's end in the table.
func ended(t *testing.T, s *fleettest.Stack, ref chat.Ref) chat.Message {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if m, err := s.Chats.Message(t.Context(), ref); err == nil && m.Status.Ended() {
			return m
		}
	}
	t.Fatal("the reply doesn't end")
	return chat.Message{}
}

func same(t *testing.T, m chat.Message, events []fleettest.Event, want string) {
	t.Helper()
	shown, _ := fleettest.Text("", events)
	if m.Status != chat.Done || m.Text != want || shown != want {
		t.Errorf("%s: stored %q, shown %q, want %q", m.Status, m.Text, shown, want)
	}
}

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

// An engine that breaks off, or is away for a while, changes nothing of the text.
func TestEngineDiesInTheMiddle(t *testing.T) {
	s, e := small(t, 10*time.Millisecond)
	e.DieAfter, e.Deaths = 7, 2
	s.Work(s.Parts(e.URL))
	ref := s.Ask("", "Why?")
	events := s.Stream(t.Context(), ref, "", nil)
	m := ended(t, s, ref)
	same(t, m, events, enginetest.Answer("Why?", 40))
	if n := m.Usage.CompletionTokens; n < 40 || n > 42 { // white space at a seam is written, and counted, twice
		t.Errorf("usage %+v", m.Usage)
	}
}

func TestEngineIsDownAtFirst(t *testing.T) {
	s, e := small(t, 0)
	e.Down = true
	s.Work(s.Parts(e.URL))
	ref := s.Ask("", "Why?")
	time.Sleep(time.Second)
	if m, _ := s.Chats.Message(t.Context(), ref); m.Status != chat.Queued || m.Attempt != 0 {
		t.Errorf("while the engine is down: %s, attempt %d", m.Status, m.Attempt)
	}
	e.Change(func(e *enginetest.Engine) { e.Down = false })
	same(t, ended(t, s, ref), s.Stream(t.Context(), ref, "", nil), enginetest.Answer("Why?", 40))
}

func TestPromptThatKillsEveryEngineFails(t *testing.T) {
	s, e := small(t, 0)
	e.DieAfter, e.Deaths = 2, 1000
	s.Work(s.Parts(e.URL))
	ref := s.Ask("", "Why?")
	events := s.Stream(t.Context(), ref, "", nil)
	m := ended(t, s, ref)
	if m.Status != chat.Failed || m.Failure == nil || m.Failure.Code != "engine_failed" || events[len(events)-1].Name != "error" {
		t.Errorf("%s %+v, last event %s", m.Status, m.Failure, events[len(events)-1].Name)
	}
}

// A worker that ends hands its prompt back; the next one goes on from the frames.
func TestWorkerIsReplaced(t *testing.T) {
	s, e := small(t, 30*time.Millisecond)
	p := s.Parts(e.URL)
	p.Grace = 50 * time.Millisecond
	stop := s.Work(p)
	ref := s.Ask("", "Why?")
	var once sync.Once
	events := s.Stream(t.Context(), ref, "", func(ev fleettest.Event) {
		if ev.Name == "delta" {
			once.Do(func() { go func() { stop(); s.Work(s.Parts(e.URL)) }() })
		}
	})
	m := ended(t, s, ref)
	same(t, m, events, enginetest.Answer("Why?", 40))
	if _, resets := fleettest.Text("", events); resets > 0 || m.Attempt < 2 {
		t.Errorf("%d resets, attempt %d", resets, m.Attempt)
	}
}

// When the frames are gone with Valkey, the next attempt starts over and clients
// are told to clear what they show.
func TestFramesAreLostBetweenWorkers(t *testing.T) {
	s, e := small(t, 30*time.Millisecond)
	p := s.Parts(e.URL)
	p.Grace = 50 * time.Millisecond
	stop := s.Work(p)
	ref := s.Ask("", "Why?")
	var once sync.Once
	events := s.Stream(t.Context(), ref, "", func(ev fleettest.Event) {
		if ev.Name == "delta" {
			once.Do(func() {
				go func() { stop(); s.Valkey.Del(t.Context(), valkey.Frames(ref)); s.Work(s.Parts(e.URL)) }()
			})
		}
	})
	same(t, ended(t, s, ref), events, enginetest.Answer("Why?", 40))
	if _, resets := fleettest.Text("", events); resets != 1 {
		t.Errorf("%d resets", resets)
	}
}

// Without any Valkey the reply is written and stored, and a stream ends with it.
func TestWithoutValkey(t *testing.T) {
	t.Setenv("VALKEY_ADDR", "127.0.0.1:1")
	s, e := small(t, 5*time.Millisecond)
	s.Relay.Away, s.Relay.Look = 100*time.Millisecond, 200*time.Millisecond
	s.Work(s.Parts(e.URL))
	ref := s.Ask("", "Why?")
	events := s.Stream(t.Context(), ref, "", nil)
	same(t, ended(t, s, ref), events, enginetest.Answer("Why?", 40))
}

// The relay's one pub/sub connection breaks while a reply is streamed.
func TestSubscriptionIsLost(t *testing.T) {
	s, e := small(t, 20*time.Millisecond)
	s.Work(s.Parts(e.URL))
	ref := s.Ask("", "Why?")
	var once sync.Once
	began := time.Now()
	events := s.Stream(t.Context(), ref, "", func(ev fleettest.Event) {
		if ev.Name == "delta" {
			once.Do(func() {
				if err := s.Valkey.ClientKillByFilter(t.Context(), "TYPE", "pubsub").Err(); err != nil {
					t.Error(err)
				}
			})
		}
	})
	same(t, ended(t, s, ref), events, enginetest.Answer("Why?", 40))
	if _, resets := fleettest.Text("", events); resets > 0 || time.Since(began) > 4*time.Second {
		t.Errorf("%d resets, took %s", resets, time.Since(began))
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

func TestSecondDeliveryIsLeftAlone(t *testing.T) {
	s, e := small(t, 30*time.Millisecond)
	s.Work(s.Parts(e.URL))
	ref := s.Ask("", "Why?")
	events := s.Stream(t.Context(), ref, "", func(ev fleettest.Event) {
		if ev.Name == "delta" {
			s.Queues[quota.Free].Show()
		}
	})
	m := ended(t, s, ref)
	same(t, m, events, enginetest.Answer("Why?", 40))
	if m.Attempt != 1 || len(e.Requests()) != 1 {
		t.Errorf("attempt %d, %d requests", m.Attempt, len(e.Requests()))
	}
}

func TestSecondQuestionHasTheFirst(t *testing.T) {
	s, e := small(t, 0)
	s.Work(s.Parts(e.URL))
	first := s.Ask("", "Why?")
	ended(t, s, first)
	second := s.Ask(first.Chat, "Really?")
	ended(t, s, second)
	requests := e.Requests()
	got := requests[len(requests)-1].Messages
	if len(got) != 3 || got[0].Content != "Why?" || got[1].Content != enginetest.Answer("Why?", 40) || got[2].Content != "Really?" {
		t.Errorf("the engine got %+v", got)
	}
}

// Stop frees the engine's slot, and the text so far is kept.
func TestCancelFreesTheSlot(t *testing.T) {
	s := fleettest.New(t)
	url := fleettest.Env(t, "ENGINE_URL")
	p := s.Parts(url)
	p.MaxTokens = 1000
	s.Work(p)
	ref := s.Ask("", "Count from 1 to 500, one number after the other.")
	var m chat.Message
	var took time.Duration
	freed := make(chan time.Duration, 1)
	var once sync.Once
	events := s.Stream(t.Context(), ref, "", func(ev fleettest.Event) {
		if ev.Name != "delta" {
			return
		}
		once.Do(func() {
			began := time.Now()
			go func() {
				for busy(t, url) {
					time.Sleep(2 * time.Millisecond)
				}
				freed <- time.Since(began)
			}()
			m = decodeMessage(t, s, "POST", fleettest.Path(ref, "cancel"))
			took = time.Since(began)
		})
	})
	shown, _ := fleettest.Text("", events)
	if m.Status != chat.Cancelled || m.Text != shown || shown == "" || m.Usage == nil || m.Usage.CompletionTokens == 0 || m.Finish != "cancelled" {
		t.Errorf("%s %q (%+v), shown %q", m.Status, m.Text, m.Usage, shown)
	}
	after := <-freed
	t.Logf("slot free after %s, cancel answered after %s", after, took)
	if after > 500*time.Millisecond {
		t.Errorf("the slot was free after %s", after)
	}
	if again := decodeMessage(t, s, "POST", fleettest.Path(ref, "cancel")); again.Text != m.Text || again.Status != chat.Cancelled {
		t.Errorf("again: %s %q", again.Status, again.Text)
	}
}

func busy(t *testing.T, url string) bool {
	resp, err := http.Get(url + "/slots")
	if err != nil {
		t.Error(err)
		return false
	}
	defer resp.Body.Close()
	var slots []struct {
		Processing bool `json:"is_processing"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&slots); err != nil {
		t.Error(err)
	}
	for _, s := range slots {
		if s.Processing {
			return true
		}
	}
	return false
}

func TestCancelOfAQueuedReply(t *testing.T) {
	s, e := small(t, 0)
	ref := s.Ask("", "Why?")
	begun, over := make(chan struct{}), make(chan []fleettest.Event, 1)
	go func() {
		over <- s.Stream(t.Context(), ref, "", func(ev fleettest.Event) {
			if ev.Name == "status" {
				close(begun)
			}
		})
	}()
	<-begun
	decodeMessage(t, s, "POST", fleettest.Path(ref, "cancel"))
	events := <-over
	if last := events[len(events)-1]; last.Name != "done" || last.Data["finish_reason"] != "cancelled" {
		t.Errorf("last event %+v", last)
	}
	s.Work(s.Parts(e.URL))
	for end := time.Now().Add(5 * time.Second); s.Queues[quota.Free].Len() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the prompt of a cancelled reply stays")
		}
	}
	if len(e.Requests()) > 0 {
		t.Error("a cancelled reply was written")
	}
}

// Nobody writes the reply at the moment: the relay ends it itself.
func TestCancelWithoutAWorker(t *testing.T) {
	s, e := small(t, 30*time.Millisecond)
	s.Relay.Stop = 300 * time.Millisecond
	p := s.Parts(e.URL)
	p.Grace = 50 * time.Millisecond
	stop := s.Work(p)
	ref := s.Ask("", "Why?")
	time.Sleep(500 * time.Millisecond)
	stop()
	m := decodeMessage(t, s, "POST", fleettest.Path(ref, "cancel"))
	shown, _ := fleettest.Text("", s.Stream(t.Context(), ref, "", nil))
	if m.Status != chat.Cancelled || m.Text == "" || m.Text != shown || !strings.HasPrefix(enginetest.Answer("Why?", 40), m.Text) {
		t.Errorf("%s %q, shown %q", m.Status, m.Text, shown)
	}
}

func TestWait(t *testing.T) {
	s, e := small(t, 40*time.Millisecond)
	s.Work(s.Parts(e.URL))
	ref := s.Ask("", "Why?")
	if m := decodeMessage(t, s, "GET", fleettest.Path(ref, "wait")+"?seconds=1"); m.Status.Ended() {
		t.Errorf("too early: %s %q", m.Status, m.Text)
	}
	if m := decodeMessage(t, s, "GET", fleettest.Path(ref, "wait")); m.Text != enginetest.Answer("Why?", 40) || m.Status != chat.Done {
		t.Errorf("%s %q", m.Status, m.Text)
	}
}

func TestRelayRefuses(t *testing.T) {
	s, _ := small(t, 0)
	ref := s.Ask("", "Why?")
	question := ref
	question.Message = chat.QuestionOf(ref.Message)
	other := s.Realm.Token(t, id.New(time.Now()), quota.Free)
	for name, c := range map[string]struct {
		method, path, token, last string
		status                    int
	}{
		"no token":        {"GET", fleettest.Path(ref, "stream"), "", "", 401},
		"bad token":       {"GET", fleettest.Path(ref, "wait"), "e30.e30.", "", 401},
		"another's":       {"GET", fleettest.Path(ref, "stream"), other, "", 404},
		"cancel other's":  {"POST", fleettest.Path(ref, "cancel"), other, "", 404},
		"wait other's":    {"GET", fleettest.Path(ref, "wait"), other, "", 404},
		"a question":      {"GET", fleettest.Path(question, "stream"), s.Token, "", 404},
		"bad id":          {"GET", "/v1/chats/x/messages/y/stream", s.Token, "", 404},
		"bad event id":    {"GET", fleettest.Path(ref, "stream"), s.Token, "9-9", 400},
		"bad after":       {"GET", fleettest.Path(ref, "stream") + "?after=%00", s.Token, "", 400},
		"bad seconds":     {"GET", fleettest.Path(ref, "wait") + "?seconds=26", s.Token, "", 422},
		"no seconds":      {"GET", fleettest.Path(ref, "wait") + "?seconds=", s.Token, "", 422},
		"wrong method":    {"POST", fleettest.Path(ref, "stream"), s.Token, "", 405},
		"nothing is here": {"GET", "/v1/models", s.Token, "", 404},
	} {
		resp := s.Get(t.Context(), c.method, c.path, c.token, "Last-Event-ID", c.last)
		var doc struct{ Code string }
		err := json.NewDecoder(resp.Body).Decode(&doc)
		resp.Body.Close()
		if resp.StatusCode != c.status || err != nil || doc.Code == "" || resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: status %d, code %q, %v", name, resp.StatusCode, doc.Code, err)
		}
	}
}
