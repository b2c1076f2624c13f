//go:build service

package work_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"parley/fleet/fleettest"
	"parley/fleet/frame"
	"parley/shared/chat"
)

// post asks the engine one of its small questions.
func post(t *testing.T, url string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v", url, resp.StatusCode, err)
	}
}

// A stopped reply keeps what was written, and the very count of its tokens, though
// the real engine gets no chance to add it up.
func TestAStoppedReplyIsCountedExactly(t *testing.T) {
	url := fleettest.Env(t, "ENGINE_URL")
	s := fleettest.New(t)
	p := s.Parts(url)
	p.MaxTokens = 1000
	s.Work(p)
	ref := s.Ask("", "Count from 1 to 500, one number after the other.")
	log := frame.NewLog(s.Valkey)
	until(t, "some text is shown", func() bool {
		text, err := log.Text(t.Context(), ref)
		return err == nil && len(text.String()) > 20
	})
	if err := s.Relay.Stops.Ask(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	until(t, "the reply ends", func() bool { return row(t, s, ref).Status.Ended() })
	m := row(t, s, ref)
	shown, err := log.Text(t.Context(), ref)
	if err != nil || m.Status != chat.Cancelled || m.Finish != "cancelled" || m.Text != shown.String() {
		t.Errorf("%s, finish %q, %v: stored %q, shown %q", m.Status, m.Finish, err, m.Text, shown)
	}
	var tokens struct{ Tokens []int }
	post(t, url+"/tokenize", map[string]any{"content": m.Text}, &tokens)
	if m.Usage == nil || m.Usage.CompletionTokens != len(tokens.Tokens) || m.Usage.PromptTokens < 20 {
		t.Errorf("usage %+v, the text has %d tokens: %q", m.Usage, len(tokens.Tokens), m.Text)
	}
}
