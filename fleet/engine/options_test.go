package engine_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"parley/fleet/engine"
	"parley/fleet/prompt"
)

// What a completion asks for stands beside what every request has; the engine's
// own temperature isn't set then.
func TestOptionsArePassedOn(t *testing.T) {
	var got map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = nil
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	defer server.Close()
	warm := 0.7
	c := engine.New(engine.Settings{URL: server.URL, Model: "small", Temperature: &warm, FirstToken: time.Second})
	turns := []prompt.Turn{{Role: "user", Text: "a", Raw: `{"role":"user","content":[{"type":"text","text":"a"}]}`}}
	_, err := c.Chat(t.Context(), engine.Request{Turns: turns, Options: jsontext.Value(`{"stop":["x"],"seed":7}`), MaxTokens: 3})
	if err == nil || got["seed"] != 7.0 || got["temperature"] != nil || got["max_tokens"] != 3.0 || got["model"] != "small" {
		t.Errorf("%v, the engine got %v", err, got)
	}
	want := []any{map[string]any{"role": "user", "content": []any{map[string]any{"type": "text", "text": "a"}}}}
	if d := cmp.Diff(want, got["messages"]); d != "" {
		t.Error(d)
	}
	if _, err := c.Chat(t.Context(), engine.Request{Turns: turns, MaxTokens: 3}); err == nil || got["temperature"] != 0.7 || got["Options"] != nil {
		t.Errorf("%v, without options the engine got %v", err, got)
	}
}
