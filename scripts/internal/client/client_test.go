package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/search"
)

// script is a server that answers each request to a path with the next of the
// steps written down for it, and keeps what it was asked.
type script struct {
	*httptest.Server
	mu    sync.Mutex
	steps map[string][]http.HandlerFunc
	seen  []*http.Request
	body  []string
}

func play(t *testing.T, steps map[string][]http.HandlerFunc) (*script, *Client) {
	t.Helper()
	s := &script{steps: steps}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	c := New(s.URL, &memory{token: "r1"})
	c.pause = time.Millisecond
	return s, c
}

func (s *script) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	at := r.Method + " " + r.URL.RequestURI()
	s.seen, s.body = append(s.seen, r), append(s.body, string(body))
	var step http.HandlerFunc
	if steps := s.steps[at]; len(steps) > 0 {
		step = steps[0]
		if len(steps) > 1 {
			s.steps[at] = steps[1:]
		}
	}
	s.mu.Unlock()
	if step == nil {
		answer(404, `{"code":"unscripted","detail":"`+at+`"}`)(w, r)
		return
	}
	step(w, r)
}

// asked lists the requests so far, "METHOD path" each.
func (s *script) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, r := range s.seen {
		all = append(all, r.Method+" "+r.URL.RequestURI())
	}
	return all
}

func answer(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// pair answers with a session whose tokens end in n.
func pair(n int) http.HandlerFunc {
	return answer(200, fmt.Sprintf(`{"user":{"name":"Ada"},"access_token":"a%d","refresh_token":"r%d","expires_in":900}`, n, n))
}

const accepted = `{"chat_id":"C","message_id":"M","reply_id":"R","status":"queued","stream_url":"/x","queue":{"ahead":3,"eta_seconds":1.5}}`

func TestSendRepeatsWithOneKey(t *testing.T) {
	s, c := play(t, map[string][]http.HandlerFunc{
		"POST /v1/token": {pair(2)},
		"POST /v1/messages": {
			answer(503, `{"code":"unavailable","detail":"Busy."}`, "Retry-After", "0"),
			func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) },
			answer(429, `{"code":"slow_down","detail":"Slower."}`, "Retry-After", "0"),
			answer(202, accepted),
		},
	})
	got, err := c.Send(t.Context(), Question{Text: "Hi"})
	want := Accepted{Chat: "C", Message: "M", Reply: "R", Status: "queued", Queue: Queue{Ahead: 3, ETA: 1.5}}
	if err != nil || got != want {
		t.Fatalf("Send = %+v, %v; want %+v", got, err, want)
	}
	keys := map[string]bool{}
	for i, r := range s.seen[1:] {
		keys[r.Header.Get("Idempotency-Key")] = true
		if s.body[i+1] != `{"text":"Hi"}` || r.Header.Get("Authorization") != "Bearer a2" {
			t.Errorf("try %d: body %s, authorization %q", i, s.body[i+1], r.Header.Get("Authorization"))
		}
	}
	if len(s.seen) != 5 || len(keys) != 1 || keys[""] {
		t.Errorf("%d requests with keys %v; want 5 with one key", len(s.seen), keys)
	}
}

func TestSendHonoursRetryAfter(t *testing.T) {
	_, c := play(t, map[string][]http.HandlerFunc{
		"POST /v1/token": {pair(2)},
		"POST /v1/messages": {
			answer(503, `{"code":"unavailable","detail":"Busy."}`, "Retry-After", "1"), answer(202, accepted),
		},
	})
	start := time.Now()
	if _, err := c.Send(t.Context(), Question{Text: "Hi"}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < time.Second {
		t.Errorf("repeated after %v; Retry-After said a second", took)
	}
}

func TestALongRetryAfterIsTheCallersBusiness(t *testing.T) {
	s, c := play(t, map[string][]http.HandlerFunc{
		"POST /v1/token":    {pair(2)},
		"POST /v1/messages": {answer(429, `{"code":"rate_limited","detail":"All used.","request_id":"q"}`, "Retry-After", "1800")},
	})
	_, err := c.Send(t.Context(), Question{Text: "Hi"})
	want := &Error{Status: 429, Code: "rate_limited", Detail: "All used.", RequestID: "q", RetryAfter: 30 * time.Minute}
	if diff := cmp.Diff(error(want), err); diff != "" {
		t.Error(diff)
	}
	if n := len(s.asked()); n != 2 {
		t.Errorf("%d requests; want the refresh and one send", n)
	}
}

func TestADeadlineStopsTheRepeating(t *testing.T) {
	_, c := play(t, map[string][]http.HandlerFunc{
		"POST /v1/token":    {pair(2)},
		"POST /v1/messages": {answer(503, `{"code":"unavailable","detail":"Busy."}`, "Retry-After", "20")},
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	start := time.Now()
	_, err := c.Send(ctx, Question{Text: "Hi"})
	if !IsCode(err, "unavailable") || time.Since(start) > 2*time.Second {
		t.Errorf("after %v: %v; want unavailable at once", time.Since(start), err)
	}
}

func TestFailures(t *testing.T) {
	for name, c := range map[string]struct {
		step http.HandlerFunc
		want *Error
		text string
	}{
		"fields": {
			answer(422, `{"code":"invalid","detail":"Some values are not valid.","errors":[{"field":"phone","code":"bad_phone","detail":"Not a number."}]}`),
			&Error{Status: 422, Code: "invalid", Detail: "Some values are not valid."},
			"Some values are not valid.\n  phone: Not a number.",
		},
		"taken":     {answer(409, `{"code":"email_taken","detail":"Taken.","title":"Conflict"}`), &Error{Status: 409, Code: "email_taken"}, "Taken."},
		"a proxy's": {answer(502, `<html>Bad`), &Error{Status: 502, Code: "http_502"}, "The server answered 502 (Bad Gateway)."},
	} {
		t.Run(name, func(t *testing.T) {
			_, client := play(t, map[string][]http.HandlerFunc{"POST /v1/signup": {c.step}})
			err := client.SignUp(t.Context(), Person{Name: "Ada"})
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Status != c.want.Status || e.Code != c.want.Code || e.Error() != c.text {
				t.Errorf("got %#v; want %#v", err, c.want)
			}
		})
	}
}

func TestRetryAfterTakesBothForms(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for in, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "soon": 0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:00:00 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {in}}, now); got != want {
			t.Errorf("retryAfter(%q) = %v; want %v", in, got, want)
		}
	}
}

func TestUnreachable(t *testing.T) {
	s, c := play(t, nil)
	s.Close()
	_, err := c.Resume(t.Context())
	if e, ok := errors.AsType[*Unreachable](err); !ok || e.URL != s.URL {
		t.Errorf("Resume = %v; want Unreachable", err)
	}
}

func TestListsAndReads(t *testing.T) {
	_, c := play(t, map[string][]http.HandlerFunc{
		"POST /v1/token":                             {pair(2)},
		"GET /v1/chats?cursor=x%2By&limit=2":         {answer(200, `{"items":[{"chat_id":"C","title":"T","new_field":1}],"next_cursor":"n"}`)},
		"GET /v1/chats/C/messages":                   {answer(200, `{"items":[{"message_id":"M","role":"user","status":"done","text":"Hi","created_at":"2026-01-02T03:04:05Z"}],"next_cursor":""}`)},
		"GET /v1/chats/C/messages/R/wait?seconds=20": {answer(200, `{"message_id":"R","status":"done","text":"Yes","usage":{"prompt_tokens":3,"completion_tokens":1,"cached_tokens":0}}`)},
		"POST /v1/chats/C/messages/R/cancel":         {answer(200, `{"message_id":"R","status":"cancelled","text":"Y"}`)},
		"POST /v1/chats/C/messages/R/regenerate":     {answer(202, accepted)},
		"GET /v1/me":                                 {answer(200, `{"user":{"name":"Ada","email":"ada@example.com","plan":"free"},"limits":{"messages_per_hour":40,"tokens_per_message":4096},"used":{"messages_this_hour":2,"resets_in_seconds":60}}`)},
		"DELETE /v1/chats/C":                         {answer(204, ``)},
	})
	ctx := t.Context()
	chats, err := c.Chats(ctx, 2, "x+y")
	check(t, "Chats", err, len(chats.Items) == 1 && chats.Items[0].Title == "T" && chats.Next == "n")
	messages, err := c.Messages(ctx, "C", 0, "")
	check(t, "Messages", err, len(messages.Items) == 1 && messages.Items[0].Text == "Hi" && messages.Next == "")
	done, err := c.Wait(ctx, "C", "R", 20*time.Second)
	check(t, "Wait", err, done.Text == "Yes" && done.Usage.PromptTokens == 3)
	stopped, err := c.Cancel(ctx, "C", "R")
	check(t, "Cancel", err, stopped.Status == "cancelled")
	again, err := c.Regenerate(ctx, "C", "R")
	check(t, "Regenerate", err, again.Reply == "R")
	me, err := c.Me(ctx)
	check(t, "Me", err, me.User.Name == "Ada" && me.Limits.MessagesPerHour == 40 && me.Used.Messages == 2)
	check(t, "Delete", c.Delete(ctx, "C"), true)
	_, err = c.Chat(ctx, "../me")
	check(t, "Chat escapes", nil, strings.Contains(fmt.Sprint(err), "/v1/chats/..%2Fme"))
}

func check(t *testing.T, what string, err error, ok bool) {
	t.Helper()
	if err != nil || !ok {
		t.Errorf("%s: unexpected answer, error %v", what, err)
	}
}

func TestSearch(t *testing.T) {
	s, c := play(t, map[string][]http.HandlerFunc{
		"POST /v1/token":       {pair(2)},
		"GET /v1/search?q=%21": {answer(422, `{"code":"no_words","detail":"A query needs a word to look for."}`)},
		"GET /v1/search?chat_id=C&cursor=x&from=2026-01-02&has=file&limit=3&q=%22a+b%22+c%2A+-d%26&role=user&to=2026-01-03": {
			answer(503, `{"code":"index_unavailable","detail":"Soon."}`, "Retry-After", "0"),
			answer(200, `{"hits":[{"chat_id":"C","message_id":"M","role":"user","created_at":"2026-01-02T03:04:05Z","chat_title":"T","snippet":"a b","highlights":[[0,3]],"score":1.5,
				"in":"file","file":{"file_id":"F","name":"n","page":2}}],"total":4,"next_cursor":"n","partial":true}`),
		},
	})
	got, err := c.Search(t.Context(), Sought{Query: `"a b" c* -d&`, Chat: "C", Role: "user", From: "2026-01-02", To: "2026-01-03", HasFile: true, Limit: 3, Cursor: "x"})
	want := search.Page{Total: 4, Next: "n", Partial: true, Hits: []search.Hit{{Chat: "C", Message: "M", Role: "user", CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Title: "T", Snippet: "a b", Highlights: [][2]int{{0, 3}}, Score: 1.5, In: "file", File: &search.InFile{ID: "F", Name: "n", Page: 2}}}}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
	if _, err := c.Search(t.Context(), Sought{Query: "!"}); !IsCode(err, "no_words") {
		t.Errorf("without a word: %v", err)
	}
	if n := len(s.asked()); n != 4 {
		t.Errorf("%d requests, want 4: %v", n, s.asked())
	}
}

func TestOneRefreshForMany(t *testing.T) {
	var refreshed atomic.Int32
	slow := func(w http.ResponseWriter, r *http.Request) {
		refreshed.Add(1)
		time.Sleep(50 * time.Millisecond)
		pair(2)(w, r)
	}
	_, c := play(t, map[string][]http.HandlerFunc{
		"POST /v1/token": {slow},
		"GET /v1/me":     {answer(200, `{}`)},
	})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := c.Me(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := refreshed.Load(); n != 1 {
		t.Errorf("%d refreshes; want 1", n)
	}
}

func TestARefusedTokenIsReplacedOnce(t *testing.T) {
	expired := answer(401, `{"code":"token_expired","detail":"Expired."}`)
	s, c := play(t, map[string][]http.HandlerFunc{
		"POST /v1/token": {pair(2), pair(3)},
		"GET /v1/me":     {expired, answer(200, `{"user":{"plan":"free"}}`), expired},
	})
	if me, err := c.Me(t.Context()); err != nil || me.User.Plan != "free" {
		t.Fatalf("Me = %+v, %v", me, err)
	}
	if _, err := c.Me(t.Context()); !IsCode(err, "token_expired") {
		t.Errorf("a token that stays refused gives %v", err)
	}
	want := []string{"POST /v1/token", "GET /v1/me", "POST /v1/token", "GET /v1/me",
		"GET /v1/me", "POST /v1/token", "GET /v1/me"}
	if diff := cmp.Diff(want, s.asked()); diff != "" {
		t.Error(diff)
	}
	if s.body[2] != `{"refresh_token":"r2"}` {
		t.Errorf("the second refresh sent %s; want the token of the first", s.body[2])
	}
}

func TestLogInAndOut(t *testing.T) {
	s, c := play(t, map[string][]http.HandlerFunc{
		"POST /v1/login":  {pair(5)},
		"POST /v1/logout": {answer(204, "")},
		"POST /v1/token":  {answer(401, `{"code":"token_reused","detail":"Used."}`)},
	})
	if err := c.LogIn(t.Context(), "ada@example.com", "correct horse"); err != nil {
		t.Fatal(err)
	}
	if err := c.LogOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.body[1] != `{"refresh_token":"r5"}` || s.seen[1].Header.Get("Authorization") != "Bearer a5" {
		t.Errorf("log-out sent %s", s.body[1])
	}
	if _, err := c.Me(t.Context()); !IsCode(err, "token_missing") {
		t.Errorf("after the log-out: %v", err)
	}
}

func TestAnEndedSessionIsNoError(t *testing.T) {
	_, c := play(t, map[string][]http.HandlerFunc{
		"POST /v1/token": {answer(401, `{"code":"token_reused","detail":"Used."}`)},
	})
	if alive, err := c.Resume(t.Context()); alive || err != nil {
		t.Errorf("Resume = %v, %v; want false", alive, err)
	}
	if err := c.LogOut(t.Context()); err != nil {
		t.Errorf("LogOut = %v", err)
	}
}
