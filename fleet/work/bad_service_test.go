//go:build service

package work_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/shared/chat"
)

// babble is an engine that never ends an answer and says of no usage. An event has
// so much text.
func babble(t *testing.T, text string) string {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := fmt.Fprintf(w, "data: {\"choices\":[{\"delta\":{\"content\":%q}}]}\n\n", text); err != nil {
				return
			}
		}
	})
	s := httptest.NewServer(mux)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL
}

// Whatever an engine does, the reply ends, as it should or as a failure, and the
// worker answers the next question.
func TestBadEngines(t *testing.T) {
	for name, c := range map[string]struct {
		set    func(*enginetest.Engine)
		status chat.Status
		tokens int
	}{
		"characters split over events": {func(e *enginetest.Engine) { e.SplitRunes = true }, chat.Done, 20},
		"no usage":                     {func(e *enginetest.Engine) { e.NoUsage = true }, chat.Done, 20},
		"garbage":                      {func(e *enginetest.Engine) { e.Garbage = "{\"choices\":[" }, chat.Failed, 0},
		"half an event":                {func(e *enginetest.Engine) { e.HalfAfter = 3 }, chat.Failed, 0},
		"another model":                {func(e *enginetest.Engine) { e.Model = "large" }, chat.Failed, 0},
		"refuses all":                  {func(e *enginetest.Engine) { e.Refuse = 400 }, chat.Failed, 0},
		"breaks on all":                {func(e *enginetest.Engine) { e.Refuse = 500 }, chat.Failed, 0},
	} {
		t.Run(name, func(t *testing.T) {
			e := enginetest.New(t)
			c.set(e)
			s := fleettest.New(t)
			s.Work(s.Parts(e.URL))
			ref := s.Ask("", "Why·日本🍎?")
			until(t, "the reply ends", func() bool { return row(t, s, ref).Status.Ended() })
			m := row(t, s, ref)
			if m.Status != c.status || m.Status == chat.Done && m.Text != enginetest.Answer("Why·日本🍎?", 20) {
				t.Errorf("%s %+v: %q", m.Status, m.Failure, m.Text)
			}
			if m.Status == chat.Failed && *m.Failure != chat.EngineFailed || m.Status == chat.Done && m.Usage.CompletionTokens != c.tokens {
				t.Errorf("failure %+v, usage %+v", m.Failure, m.Usage)
			}
			e.Change(func(e *enginetest.Engine) { e.Model, e.Refuse, e.Garbage, e.HalfAfter = "", 0, "", 0 })
			next := s.Ask("", "Really?")
			until(t, "the next reply ends", func() bool { return row(t, s, next).Status.Ended() })
			if m := row(t, s, next); m.Status != chat.Done {
				t.Errorf("then %s", m.Status)
			}
		})
	}
}

// An answer without an end is cut where it may have no more: tokens, or bytes.
func TestAnEndlessAnswerIsCut(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want int // bytes
	}{
		"a million tokens": {"on ", 256 * 3},
		"huge tokens":      {strings.Repeat("日", 100_000), chat.MaxReply / 3 * 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := fleettest.New(t)
			s.Work(s.Parts(babble(t, c.text)))
			ref := s.Ask("", "Why?")
			until(t, "the reply ends", func() bool { return row(t, s, ref).Status.Ended() })
			if m := row(t, s, ref); m.Status != chat.Done || m.Finish != "length" || len(m.Text) != c.want {
				t.Errorf("%s, finish %q, %d bytes", m.Status, m.Finish, len(m.Text))
			}
		})
	}
}
