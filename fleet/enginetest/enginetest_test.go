package enginetest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/fleet/engine"
	"parley/fleet/enginetest"
	"parley/fleet/prompt"
)

// obedient starts an engine that obeys orders.
func obedient(t *testing.T) *enginetest.Engine {
	e := enginetest.New(t)
	e.Change(func(e *enginetest.Engine) { e.Orders = true })
	return e
}

// get asks for an answer as the fleet does and returns its text and why it ended.
func get(t *testing.T, e *enginetest.Engine, text, begun string) (string, error) {
	t.Helper()
	c := engine.New(engine.Settings{URL: e.URL, Key: "me", FirstToken: 5 * time.Second, Idle: 100 * time.Millisecond})
	s, err := c.Chat(t.Context(), engine.Request{Turns: []prompt.Turn{{Role: "user", Text: text}}, Continue: begun, Session: "C", MaxTokens: 1000})
	if err != nil {
		return "", err
	}
	defer s.Close()
	got := ""
	for {
		chunk, err := s.Next()
		if err != nil {
			return got, err
		}
		got += chunk.Text
	}
}

// Cut at any byte where a rune ends, the rest is what is missing.
func TestGoesOnAtAnyByte(t *testing.T) {
	e := obedient(t)
	q := "why? " + enginetest.Orders("words=60")
	whole := strings.Join(enginetest.Prose(q, 60), "")
	for i := range whole {
		if got, _ := get(t, e, q, whole[:i]); whole[:i]+got != whole {
			t.Fatalf("cut at %d: %q", i, got)
		}
	}
	for _, entry := range e.Entries() {
		if entry.Strange || entry.State != enginetest.Finished || entry.Key != "me" || entry.Session != "C" {
			t.Fatalf("the log says %+v", entry)
		}
	}
	if _, _ = get(t, e, q, "never said"); !e.Entries()[len(e.Entries())-1].Strange {
		t.Error("a beginning that it never said doesn't show")
	}
}

func TestOrders(t *testing.T) {
	for order, want := range map[string][]string{ // how each request in a row ends
		"cut=9":      {"9", "all"},
		"half=9":     {"9", "all"},
		"hang=9":     {"9", "all"},
		"garbage=9":  {"9", "all"},
		"refuse=429": {"none", "all"},
		"poison=9":   {"9", "9", "9"},
		"slow=2":     {"all"},
		"bad=1":      {"none"},
	} {
		t.Run(order, func(t *testing.T) {
			e := obedient(t)
			q := "why? " + enginetest.Orders("words=20", order)
			prose := enginetest.Prose(q, 20)
			for i, end := range want {
				got, _ := get(t, e, q, "")
				if wanted := map[string]string{"all": strings.Join(prose, ""), "9": strings.Join(prose[:9], ""), "none": ""}[end]; got != wanted {
					t.Errorf("request %d: got %q, want %q", i, got, wanted)
				}
			}
		})
	}
}

// An order to be killed ends the process, again and again.
func TestKilledOnOrder(t *testing.T) {
	e := obedient(t)
	var exits atomic.Int32
	e.Change(func(e *enginetest.Engine) { e.Exit = func() { exits.Add(1) } })
	for range 3 {
		_, _ = get(t, e, "why? "+enginetest.Orders("words=20", "kill=4"), "")
	}
	if n := exits.Load(); n != 3 {
		t.Errorf("%d exits", n)
	}
}

// Answers beyond the slots wait, the most urgent first, and one whose client
// leaves is forgotten.
func TestSlotsQueue(t *testing.T) {
	e := enginetest.New(t)
	e.Slots, e.HangAfter = 1, 1
	first, leave := context.WithCancel(t.Context())
	send := func(ctx context.Context, word, priority string) {
		body := `{"stream":true,"priority":` + priority + `,"messages":[{"role":"user","content":"` + word + `"}]}`
		req, _ := http.NewRequestWithContext(ctx, "POST", e.URL+"/v1/chat/completions", strings.NewReader(body))
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	}
	var all sync.WaitGroup
	settle := func(n int) {
		t.Helper()
		for end := time.Now().Add(5 * time.Second); e.Busy() != n; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d requests are there, want %d", e.Busy(), n)
			}
		}
	}
	gone, quit := context.WithCancel(t.Context())
	for i, c := range []struct {
		ctx            context.Context
		word, priority string
	}{{first, "running", "0"}, {t.Context(), "late", "2"}, {t.Context(), "urgent", "1"}, {gone, "gone", "0"}} {
		all.Go(func() { send(c.ctx, c.word, c.priority) })
		settle(i + 1)
	}
	quit()
	settle(3)
	e.Change(func(e *enginetest.Engine) { e.HangAfter = 0 })
	leave()
	all.Wait()
	settle(0)
	ends := map[string]time.Time{}
	for _, entry := range e.Entries() {
		ends[entry.Question] = entry.EndedAt
		if want := map[string]enginetest.State{"running": enginetest.Broken, "gone": enginetest.Aborted}[entry.Question]; want != "" && entry.State != want {
			t.Errorf("%s: %s", entry.Question, entry.State)
		}
	}
	if !ends["urgent"].Before(ends["late"]) {
		t.Error("the urgent one came last")
	}
}

// The cache keeps prefixes of a user's prompts while there is room, and shares
// them with nobody.
func TestPrefixCache(t *testing.T) {
	e := enginetest.New(t)
	e.CacheBlocks, e.CacheBlock, e.Words = 10, 4, 1
	ask := func(salt string, words int) int {
		t.Helper()
		in := map[string]any{"cache_salt": salt, "messages": []map[string]string{{"role": "user", "content": strings.Repeat("w ", words)}}}
		b, _ := json.Marshal(in)
		resp, err := http.Post(e.URL+"/v1/chat/completions", "application/json", bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		entries := e.Entries()
		return entries[len(entries)-1].Cached
	}
	for i, c := range []struct {
		salt        string
		words, want int
	}{{"a", 16, 0}, {"a", 16, 16}, {"a", 24, 16}, {"b", 16, 0}, {"b", 40, 16}, {"a", 16, 0}} {
		if got := ask(c.salt, c.words); got != c.want {
			t.Errorf("prompt %d: %d tokens cached, want %d", i, got, c.want)
		}
	}
}

func TestLogIsServed(t *testing.T) {
	e := enginetest.New(t)
	var out bytes.Buffer
	e.Log(&out)
	for range 3 {
		_, _ = get(t, e, "why?", "")
	}
	w := httptest.NewRecorder()
	e.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/log?after=1", nil))
	var list []enginetest.Entry
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list) != 2 || list[0].ID != 2 || list[0].Sent != 20 {
		t.Errorf("%s, %v", w.Body, err)
	}
	if n := strings.Count(out.String(), "\n"); n != 6 {
		t.Errorf("%d lines in the log, want 6:\n%s", n, out.String())
	}
}

// As vLLM it goes on only when it is told to, and publishes vLLM's names.
func TestAsVLLM(t *testing.T) {
	e := enginetest.New(t)
	e.VLLM = true
	begun := "why?·0 why?·1"
	if got, err := get(t, e, "why?", begun); begun+got != enginetest.Answer("why?", 20) {
		t.Errorf("%q, %v", got, err)
	}
	resp, err := http.Get(e.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil || !strings.Contains(b.String(), `vllm:num_requests_waiting{model_name=""} 0`) {
		t.Errorf("%s, %v", b.String(), err)
	}
}
