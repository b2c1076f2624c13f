package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"parley/shared/trace"
)

// What an endpoint does belongs to the trace that its request came with.
func TestAnEndpointIsInItsCallersTrace(t *testing.T) {
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	var got string
	s := &Service{Log: slog.New(slog.DiscardHandler)}
	h := Handle(s, Route{Status: http.StatusOK, Open: true}, func(ctx context.Context, _ *Request, _ None) (None, error) {
		got = trace.From(ctx)
		return None{}, nil
	})
	for header, want := range map[string]string{parent: parent, "": "", strings.ToUpper(parent): ""} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(trace.Header, header)
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got != want {
			t.Errorf("%q became %q", header, got)
		}
	}
}
