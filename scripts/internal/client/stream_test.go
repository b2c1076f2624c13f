package client

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/chat"
)

// emit writes events and ends the connection.
func emit(text string) http.HandlerFunc { return answer(200, text, "X-Accel-Buffering", "no") }

func read(ctx context.Context, c *Client) (events []Event, err error) {
	for e, err := range c.Stream(ctx, "C", "R") {
		if err != nil {
			return events, err
		}
		events = append(events, e)
	}
	return events, nil
}

const at = "GET /v1/chats/C/messages/R/stream"

func TestStreamResumesWhereItBroke(t *testing.T) {
	cut := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, text)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	}
	s, c := play(t, map[string][]http.HandlerFunc{
		"POST /v1/token": {pair(2)},
		at: {
			cut(": hello\n\nid: 1\nevent: status\ndata: {\"status\":\"queued\",\"queue\":{\"ahead\":2,\"eta_seconds\":4}}\n\nid: 2\nevent: delta\ndata: {\"text\":\"Hel"),
			emit("id: 2\nevent: delta\ndata: {\"text\":\"Hello\"}\n\n"),
			answer(503, `{"code":"unavailable","detail":"Busy."}`),
			emit("id: 3\nevent: surprise\ndata: {}\n\nid: 4\nevent: done\ndata: {\"finish_reason\":\"stop\",\"usage\":{\"completion_tokens\":1}}\n\nid: 5\nevent: delta\ndata: {\"text\":\"never\"}\n\n"),
		},
	})
	got, err := read(t.Context(), c)
	want := []Event{
		{ID: "1", Name: "status", Status: "queued", Queue: &Queue{Ahead: 2, ETA: 4}},
		{ID: "2", Name: "delta", Text: "Hello"},
		{ID: "4", Name: "done", Finish: "stop", Usage: &chat.Usage{CompletionTokens: 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	var after []string
	for _, r := range s.seen[1:] {
		after = append(after, r.Header.Get("Last-Event-ID"))
	}
	if diff := cmp.Diff([]string{"", "1", "2", "2"}, after); diff != "" {
		t.Error("Last-Event-ID:", diff)
	}
}

func TestAFailedReplyEndsTheStream(t *testing.T) {
	_, c := play(t, map[string][]http.HandlerFunc{
		"POST /v1/token": {pair(2)},
		at:               {emit("id: 1\nevent: error\ndata: {\"code\":\"engine_failed\",\"detail\":\"No.\"}\n\n")},
	})
	got, err := read(t.Context(), c)
	if err != nil || len(got) != 1 || got[0].Code != "engine_failed" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestStreamGivesUp(t *testing.T) {
	for name, c := range map[string]struct {
		step http.HandlerFunc
		want string
	}{
		"no such reply":      {answer(404, `{"code":"not_found","detail":"None."}`), "None."},
		"nothing ever comes": {emit(": only a comment\n\n"), "the stream broke off too often: EOF"},
		"not what it says":   {emit("id: 1\nevent: delta\ndata: text\n\n"), "event delta of the stream"},
	} {
		t.Run(name, func(t *testing.T) {
			_, client := play(t, map[string][]http.HandlerFunc{"POST /v1/token": {pair(2)}, at: {c.step}})
			if _, err := read(t.Context(), client); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want %s", err, c.want)
			}
		})
	}
}

func TestStreamEndsWithItsContext(t *testing.T) {
	_, c := play(t, map[string][]http.HandlerFunc{
		"POST /v1/token": {pair(2)},
		at: {func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}},
	})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := read(ctx, c); err != context.DeadlineExceeded {
		t.Errorf("got %v; want the context's error", err)
	}
}

func TestNobodyWantsMore(t *testing.T) {
	_, c := play(t, map[string][]http.HandlerFunc{
		"POST /v1/token": {pair(2)},
		at:               {emit("id: 1\nevent: delta\ndata: {\"text\":\"a\"}\n\nid: 2\nevent: delta\ndata: {\"text\":\"b\"}\n\n")},
	})
	for e, err := range c.Stream(t.Context(), "C", "R") {
		if err != nil || e.Text != "a" {
			t.Errorf("%+v, %v", e, err)
		}
		break
	}
}
