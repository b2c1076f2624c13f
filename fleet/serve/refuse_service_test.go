//go:build service

package serve_test

import (
	"encoding/json"
	"testing"
	"time"

	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/quota"
)

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
