package engine

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
)

// shows serves what an engine showed once: a file of testdata at /metrics, and
// /slots unless that is empty.
func shows(t *testing.T, metrics, slots string) *Client {
	t.Helper()
	mux := http.NewServeMux()
	if metrics != "" {
		text, err := os.ReadFile("testdata/" + metrics)
		if err != nil {
			t.Fatal(err)
		}
		mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(text) })
	}
	if slots != "" {
		mux.HandleFunc("/slots", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(slots)) })
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return New(Settings{URL: s.URL})
}

const threeSlots = `[{"id":0,"is_processing":true},{"id":1,"is_processing":true},{"id":2,"is_processing":false}]`

func TestLoad(t *testing.T) {
	for name, c := range map[string]struct {
		engine *Client
		want   Load
	}{
		"vLLM, two engines behind one address": {shows(t, "vllm.txt", ""),
			Load{Running: 119, Waiting: 3, KV: 0.934, Looked: 500000, Cached: 180000}},
		"llama.cpp":                 {shows(t, "llamacpp.txt", threeSlots), Load{Slots: 3, Running: 3, Waiting: 2, Looked: 149, Cached: 35}},
		"llama.cpp without slots":   {shows(t, "llamacpp.txt", ""), Load{Running: 3, Waiting: 2, Looked: 149, Cached: 35}},
		"llama.cpp without metrics": {shows(t, "", threeSlots), Load{Slots: 3, Running: 2}},
	} {
		if got, err := c.engine.Load(t.Context()); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
}

func TestNoLoad(t *testing.T) {
	for name, engine := range map[string]*Client{
		"nothing":           shows(t, "", ""),
		"garbage":           shows(t, "", "<html>"),
		"another program's": shows(t, "other.txt", ""),
	} {
		if got, err := engine.Load(t.Context()); !errors.Is(err, ErrNoLoad) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
