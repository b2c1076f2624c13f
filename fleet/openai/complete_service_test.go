//go:build service

package openai_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/fleet/enginetest"
	"parley/shared/chat"
	"parley/shared/quota"
)

func engine(t *testing.T, pace time.Duration) *enginetest.Engine {
	e := enginetest.New(t)
	e.Pace, e.Words = pace, 40
	return e
}

// What is streamed is what is stored, and what a client gets that doesn't stream.
func TestStreamedIsStored(t *testing.T) {
	d, e := open(t), engine(t, time.Millisecond)
	d.Work(d.Parts(e.URL))
	want := enginetest.Answer("Why?", 40)

	f := d.each(d.post(t.Context(), map[string]any{"stream": true, "stream_options": map[string]any{"include_usage": true}}), nil)
	if f.text != want || !f.done || f.Error != nil || f.Choices[0].Finish != "stop" || f.Object != "chat.completion.chunk" {
		t.Errorf("streamed %q, done %v, %+v", f.text, f.done, f.answer)
	}
	if u := f.Usage; u == nil || u.Completion != 40 || u.Total != u.Prompt+40 || u.Details.Cached == 0 {
		t.Errorf("usage %+v", f.Usage)
	}
	m := d.reply(d.ref(f.ID))
	if m.Status != chat.Done || m.Text != want || m.Usage.CompletionTokens != 40 {
		t.Errorf("stored %+v", m)
	}
	resp := d.post(t.Context(), map[string]any{"max_completion_tokens": 5})
	a := d.whole(resp)
	if resp.StatusCode != 200 || *a.Choices[0].Message.Content != enginetest.Answer("Why?", 40)[:len(*a.Choices[0].Message.Content)] ||
		a.Choices[0].Finish != "length" || a.Usage.Completion != 5 || a.Object != "chat.completion" {
		t.Errorf("%d %+v", resp.StatusCode, a)
	}
	if left := resp.Header.Get("X-Ratelimit-Remaining-Requests"); left != "38" || resp.Header.Get("X-Request-Id") == "" {
		t.Errorf("headers %v", resp.Header)
	}
}

// The engine gets what the client sent and nothing else.
func TestTheEngineGetsTheClientsMessages(t *testing.T) {
	d, e := open(t), engine(t, 0)
	p := d.Parts(e.URL)
	p.System = "You are Parley."
	d.Work(p)
	d.whole(d.post(t.Context(), map[string]any{"messages": []any{
		says("developer", "Be brief."), says("user", "Why?"), says("assistant", "So."),
		map[string]any{"role": "user", "content": []any{map[string]any{"type": "text", "text": "Really?"}, map[string]any{"type": "text", "text": "Yes?"}}}}}))
	requests := e.Requests()
	var got [][2]string
	for _, m := range requests[len(requests)-1].Messages {
		got = append(got, [2]string{m.Role, m.Content})
	}
	want := [][2]string{{"system", "Be brief."}, {"user", "Why?"}, {"assistant", "So."}, {"user", "Really?\nYes?"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A client that goes away frees the engine at once, streaming or not, and also
// while its prompt is queued.
func TestAClientThatGoesAwayStopsTheEngine(t *testing.T) {
	d, e := open(t), engine(t, 20*time.Millisecond)
	for _, stream := range []bool{true, false} {
		stop := d.Work(d.Parts(e.URL))
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			if resp := d.post(ctx, map[string]any{"stream": stream}); resp != nil {
				_, _ = io.Copy(io.Discard, resp.Body)
			}
		}()
		until(t, 5*time.Second, "the engine writes", func() bool { return e.Busy() == 1 })
		cancel()
		until(t, 500*time.Millisecond, "the slot is free", func() bool { return e.Busy() == 0 })
		<-gone
		stop()
		if n := d.Queues[quota.Free].Len(); n != 0 {
			t.Errorf("%d prompts are left", n)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	go d.post(ctx, map[string]any{})
	until(t, 5*time.Second, "it is queued", func() bool { return d.Queues[quota.Free].Len() == 1 })
	before := len(e.Requests())
	cancel()
	prompts, err := d.Queues[quota.Free].Receive(t.Context(), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	until(t, 500*time.Millisecond, "it is cancelled", func() bool { return d.reply(prompts[0].Prompt.Ref()).Status == chat.Cancelled })
	d.Queues[quota.Free].Show()
	d.Work(d.Parts(e.URL))
	until(t, 15*time.Second, "the queue is empty", func() bool { return d.Queues[quota.Free].Len() == 0 })
	if n := len(e.Requests()); n != before {
		t.Errorf("the engine was asked %d times for what was cancelled", n-before)
	}
}

// An exchange is in no list and can't be read as a chat; with store: true it is one.
func TestOnlyWhatIsStoredIsAChat(t *testing.T) {
	d, e := open(t), engine(t, 0)
	d.Work(d.Parts(e.URL))
	history := &chat.History{Store: d.Chats, Now: time.Now}
	passing := d.ref(d.whole(d.post(t.Context(), map[string]any{})).ID)
	if chats, _, err := history.Chats(t.Context(), d.User, 10, ""); err != nil || len(chats) != 0 {
		t.Errorf("%+v, %v", chats, err)
	}
	if _, _, err := history.Messages(t.Context(), d.User, passing.Chat, 10, ""); !errors.Is(err, chat.ErrNoChat) {
		t.Errorf("its messages: %v", err)
	}
	d.whole(d.post(t.Context(), map[string]any{"store": true, "messages": []any{says("system", "Be brief."), says("user", "First."), says("assistant", "Yes."), says("user", "Why?")}}))
	chats, _, err := history.Chats(t.Context(), d.User, 10, "")
	if err != nil || len(chats) != 1 || chats[0].Title != "Why?" || chats[0].Running != "" {
		t.Fatalf("%+v, %v", chats, err)
	}
	messages, _, err := history.Messages(t.Context(), d.User, chats[0].ID, 10, "")
	if err != nil || len(messages) != 2 || messages[0].Text != "Why?" || messages[1].Text != enginetest.Answer("Why?", 40) {
		t.Errorf("%+v, %v", messages, err)
	}
}

// What the engine refuses is the client's to know, and costs nothing.
func TestTheEngineRefuses(t *testing.T) {
	d, e := open(t), engine(t, 0)
	e.Refuse = 400
	d.Work(d.Parts(e.URL))
	resp := d.post(t.Context(), map[string]any{"stream": true})
	if a := d.whole(resp); resp.StatusCode != 400 || a.Error == nil || a.Error.Code != "request_refused" || d.used() != 0 {
		t.Errorf("%d %+v, %d counted", resp.StatusCode, a.Error, d.used())
	}
}

// The hour's limit is that of messages, and told as clients expect it.
func TestLimit(t *testing.T) {
	d, e := open(t), engine(t, 0)
	d.Work(d.Parts(e.URL))
	for range 40 {
		if resp := d.post(t.Context(), map[string]any{"max_tokens": 1}); resp.StatusCode != 200 {
			t.Fatal(resp.Status)
		}
	}
	resp := d.post(t.Context(), map[string]any{"stream": true})
	a := d.whole(resp)
	if resp.StatusCode != 429 || a.Error.Code != "rate_limit_exceeded" || a.Error.Type != "requests" ||
		resp.Header.Get("Retry-After") == "" || resp.Header.Get("X-Ratelimit-Remaining-Requests") != "0" {
		t.Errorf("%d %+v %v", resp.StatusCode, a.Error, resp.Header)
	}
}

func TestTooLongForTheModel(t *testing.T) {
	d, e := open(t), engine(t, 0)
	p := d.Parts(e.URL)
	p.Context = 64
	d.Work(p)
	long := make([]byte, 0, 1000)
	for range 100 {
		long = append(long, "word "...)
	}
	resp := d.post(t.Context(), map[string]any{"stream": true, "messages": []any{says("user", string(long))}})
	if a := d.whole(resp); resp.StatusCode != 400 || a.Error.Code != "context_length_exceeded" || a.Error.Param != "messages" {
		t.Errorf("%d %+v", resp.StatusCode, a.Error)
	}
	if len(e.Requests()) != 0 || d.used() != 0 {
		t.Errorf("%d requests, %d messages counted", len(e.Requests()), d.used())
	}
}

// While nothing comes a stream has its header and comments, and a reply that fails
// then ends it with an error event.
func TestAQuietStream(t *testing.T) {
	d := open(t)
	d.Endpoint.Silent, d.Endpoint.Beat = 20*time.Millisecond, 20*time.Millisecond
	d.Relay.Look = 50 * time.Millisecond
	d.Sender.Deadlines = map[quota.Plan]time.Duration{quota.Free: 300 * time.Millisecond}
	resp := d.post(t.Context(), map[string]any{"stream": true})
	if resp.StatusCode != 200 {
		t.Fatal(resp.Status)
	}
	f := d.each(resp, nil)
	if f.comments < 3 || f.done || f.Error == nil || f.Error.Code != "deadline_exceeded" || f.Error.Type != "server_error" {
		t.Errorf("%d comments, done %v, %+v", f.comments, f.done, f.Error)
	}
}

func TestKeys(t *testing.T) {
	d := open(t)
	for _, token := range []string{"", "nonsense"} {
		d.Token = token
		resp := d.post(t.Context(), map[string]any{})
		if a := d.whole(resp); resp.StatusCode != 401 || a.Error.Code != "invalid_api_key" || resp.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%q: %d %+v", token, resp.StatusCode, a.Error)
		}
	}
}

func TestModels(t *testing.T) {
	d := open(t)
	req, err := http.NewRequestWithContext(t.Context(), "GET", d.URL+"/v1/models", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if a := d.whole(resp); a.Object != "list" {
		t.Errorf("%+v", a)
	}
	resp = d.post(t.Context(), map[string]any{"model": "gpt-4o"})
	if a := d.whole(resp); resp.StatusCode != 404 || a.Error.Code != "model_not_found" || a.Error.Param != "model" {
		t.Errorf("%d %+v", resp.StatusCode, a.Error)
	}
}
