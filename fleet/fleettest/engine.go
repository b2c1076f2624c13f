//go:build service

package fleettest

import (
	"encoding/json"
	"net/http"
	"testing"

	"parley/fleet/routertest"
)

// Engine starts a real engine that no other test talks to, and returns its address.
func Engine(t testing.TB) (url string) {
	t.Helper()
	e, err := routertest.StartEngine(t.Context(), root(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Kill)
	return e.URL
}

// Busy returns how many slots of a real engine are at work.
func Busy(t testing.TB, url string) (n int) {
	t.Helper()
	resp, err := http.Get(url + "/slots")
	if err != nil {
		t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	var slots []struct {
		Processing bool `json:"is_processing"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&slots); err != nil {
		t.Error(err)
	}
	for _, s := range slots {
		if s.Processing {
			n++
		}
	}
	return n
}
