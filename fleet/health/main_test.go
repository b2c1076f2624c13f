package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOnly200IsWell(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	if err := ask(server.URL); err != nil {
		t.Error(err)
	}
	for _, status = range []int{http.StatusNoContent, http.StatusNotFound, http.StatusServiceUnavailable} {
		if ask(server.URL) == nil {
			t.Errorf("%d is well", status)
		}
	}
	server.Close()
	if ask(server.URL) == nil || ask("no url at all\x00") == nil {
		t.Error("nobody is well")
	}
}
