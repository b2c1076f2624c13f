//go:build service

package openai_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"parley/fleet/fleettest"
	"parley/shared/chat"
	"parley/shared/chatapi"
	"parley/shared/quota"
)

// What isn't kept is 404 at every address that chats and replies have.
func TestWhatIsNotStoredHasNoAddress(t *testing.T) {
	d, e := open(t), engine(t, 0)
	d.Work(d.Parts(e.URL))
	ref := d.ref(d.whole(d.post(t.Context(), map[string]any{})).ID)
	history := httptest.NewServer(d.Relay.Service.Mux(chatapi.History(d.Relay.Service, &chat.History{Store: d.Chats, Now: time.Now}, d.Chats, nil)))
	defer history.Close()
	for _, c := range []struct{ at, method, path, body string }{
		{history.URL, "GET", "/v1/chats/" + ref.Chat, ""},
		{history.URL, "GET", "/v1/chats/" + ref.Chat + "/messages", ""},
		{history.URL, "GET", "/v1/chats/" + ref.Chat + "/messages/" + ref.Message, ""},
		{history.URL, "PUT", fleettest.Path(ref, "feedback"), `{"rating":"up"}`},
		{d.Stack.URL, "GET", fleettest.Path(ref, "stream"), ""},
		{d.Stack.URL, "GET", fleettest.Path(ref, "wait"), ""},
		{d.Stack.URL, "POST", fleettest.Path(ref, "cancel"), ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, c.at+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+d.Token)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 404 {
			t.Errorf("%s %s: %s", c.method, c.path, resp.Status)
		}
	}
	_, err := d.Sender.Regenerate(t.Context(), d.User, quota.Free, quota.Of(quota.Free, quota.Limits{}), ref.Chat, ref.Message, "")
	if err == nil {
		t.Error("it was asked for again")
	}
}

// Another reply to a kept completion is asked for with the whole of it.
func TestRegenerateACompletion(t *testing.T) {
	d, e := open(t), engine(t, 0)
	d.Work(d.Parts(e.URL))
	d.whole(d.post(t.Context(), map[string]any{"store": true, "messages": []any{says("system", "Be brief."), says("user", "Why?")}, "max_tokens": 3}))
	chats, err := d.Chats.Chats(t.Context(), d.User)
	if err != nil || len(chats) != 1 {
		t.Fatal(chats, err)
	}
	r, err := d.Sender.Regenerate(t.Context(), d.User, quota.Free, quota.Of(quota.Free, quota.Limits{}), chats[0].ID, chats[0].Last, "")
	if err != nil {
		t.Fatal(err)
	}
	ref := chat.Ref{User: d.User, Chat: r.Chat, Message: r.Reply}
	until(t, 10*time.Second, "it ends", func() bool { return d.reply(ref).Status.Ended() })
	requests := e.Requests()
	if last := requests[len(requests)-1]; len(last.Messages) != 2 || last.Messages[0].Content != "Be brief." || last.MaxTokens != 3 {
		t.Errorf("the engine got %+v", last)
	}
}

// A relay that ends says so, and frees the engine, for nobody can go on reading.
func TestTheRelayEnds(t *testing.T) {
	d := open(t)
	ending, end := context.WithCancel(t.Context())
	d.Relay.Ending = ending
	e := engine(t, 20*time.Millisecond)
	d.Work(d.Parts(e.URL))
	f := d.each(d.post(t.Context(), map[string]any{"stream": true}), func(f *flow) {
		if f.text != "" {
			end()
		}
	})
	if f.done || f.Error == nil || f.Error.Code != "shutting_down" {
		t.Errorf("done %v, %+v", f.done, f.Error)
	}
	until(t, 500*time.Millisecond, "the slot is free", func() bool { return e.Busy() == 0 })
}

// The time that a server gives for reading a request is not the time of its answer.
func TestAnAnswerOutlivesTheTimeToRead(t *testing.T) {
	d, e := open(t), engine(t, 15*time.Millisecond)
	d.Work(d.Parts(e.URL))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: d.Relay.Service.Mux(d.Endpoint.Routes()), ReadTimeout: 200 * time.Millisecond}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	d.URL = "http://" + l.Addr().String()
	for _, stream := range []bool{true, false} {
		began := time.Now()
		resp := d.post(t.Context(), map[string]any{"stream": stream})
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 || !strings.Contains(string(body), "·39") {
			t.Errorf("after %s: %s, %v", time.Since(began), body, err)
		}
		if took := time.Since(began); took < 500*time.Millisecond {
			t.Errorf("it took only %s", took)
		}
	}
}
