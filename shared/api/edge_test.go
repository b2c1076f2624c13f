package api

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// TestFunctionsAnswerTheEdgeOnly sends the same request with different secrets to
// functions that were told different ones.
func TestFunctionsAnswerTheEdgeOnly(t *testing.T) {
	for name, c := range map[string]struct {
		edge   Edge
		secret string
		status int
	}{
		"no edge":               {Edge{}, "", 204},
		"no edge, but a secret": {Edge{}, "x", 204},
		"the edge":              {Edge{Secret: "new"}, "new", 204},
		"nobody":                {Edge{Secret: "new"}, "", 403},
		"somebody":              {Edge{Secret: "new"}, "old", 403},
		"a beginning":           {Edge{Secret: "new"}, "ne", 403},
		"said twice":            {Edge{Secret: "new"}, "new, new", 403},
		"changing, the new one": {Edge{Secret: "new", Before: "old"}, "new", 204},
		"changing, the old one": {Edge{Secret: "new", Before: "old"}, "old", 204},
		"changing, nobody":      {Edge{Secret: "new", Before: "old"}, "", 403},
		"the old one alone":     {Edge{Before: "old"}, "old", 204},
		"the old one, nobody":   {Edge{Before: "old"}, "", 403},
	} {
		asked := 0
		s := &Service{Edge: c.edge, Log: slog.New(slog.DiscardHandler)}
		answer := s.Lambda(map[string]http.Handler{"GET /v1/x": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked++
			w.WriteHeader(204)
		})})
		ev := events.APIGatewayV2HTTPRequest{RawPath: "/v1/x", Headers: map[string]string{"x-edge-secret": c.secret}}
		ev.RequestContext.HTTP.Method = "GET"
		out, err := answer(t.Context(), ev)
		if err != nil || out.StatusCode != c.status || (asked == 1) != (c.status == 204) {
			t.Errorf("%s: status %d, want %d; asked %d times, %v", name, out.StatusCode, c.status, asked, err)
		}
		ev.RawPath = "/nothing" // whoever is refused doesn't learn what there is
		if out, _ = answer(t.Context(), ev); (out.StatusCode == 403) != (c.status == 403) {
			t.Errorf("%s: status %d where nothing is", name, out.StatusCode)
		}
	}
}

// TestHealthChecksSeeTheKeys: they have no secret, and get nothing else.
func TestHealthChecksSeeTheKeys(t *testing.T) {
	s := &Service{Edge: Edge{Secret: "new"}, Log: slog.New(slog.DiscardHandler)}
	there := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	answer := s.Lambda(map[string]http.Handler{"GET /.well-known/jwks.json": there, "GET /.well-known/other": there})
	for path, want := range map[string]int{"/.well-known/jwks.json": 204, "/.well-known/other": 403, "/.well-known/jwks.json/": 403, "/x/.well-known/jwks.json": 403} {
		ev := events.APIGatewayV2HTTPRequest{RawPath: path}
		ev.RequestContext.HTTP.Method = "GET"
		if out, err := answer(t.Context(), ev); err != nil || out.StatusCode != want {
			t.Errorf("%s: status %d, want %d, %v", path, out.StatusCode, want, err)
		}
	}
}

// TestBothSecretsVouchForTheViewer: while they change, each is believed.
func TestBothSecretsVouchForTheViewer(t *testing.T) {
	e := Edge{Secret: "new", Before: "old"}
	for secret, want := range map[string]string{"new": "203.0.113.9", "old": "203.0.113.9", "": "192.0.2.1", "older": "192.0.2.1"} {
		r := httptest.NewRequest("GET", "/", nil) // from 192.0.2.1
		r.Header.Set(EdgeSecretHeader, secret)
		r.Header.Set(ViewerHeader, "203.0.113.9:1234")
		if got := e.viewer(r); got != want {
			t.Errorf("by %q: %s, want %s", secret, got, want)
		}
	}
}
