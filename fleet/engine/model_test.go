package engine_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"parley/fleet/engine"
)

func TestModelsHaveTheEnginesNames(t *testing.T) {
	asked := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var in struct {
			Model string `json:"model"`
		}
		if err := json.Unmarshal(body, &in); err != nil {
			t.Error(err)
		}
		asked <- in.Model
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	c := engine.New(engine.Settings{URL: server.URL, Model: "standard", Models: map[string]string{"large": "large:awq"}, FirstToken: time.Second})
	for name, want := range map[string]string{"": "standard", "large": "large:awq", "large:awq": "standard"} {
		if _, err := c.Chat(t.Context(), engine.Request{Model: name, Turns: question}); err == nil {
			t.Error("an answer")
		}
		if got := <-asked; got != want {
			t.Errorf("%q was asked for as %q, want %q", name, got, want)
		}
	}
}
