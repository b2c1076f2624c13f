package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"parley/shared/auth"
	"parley/shared/problem"
)

type greeting struct {
	Name  string   `json:"name"`
	Times int      `json:"times"`
	Tags  []string `json:"tags"`
}

type tokens map[string]auth.Identity

func (t tokens) Verify(_ context.Context, token string) (auth.Identity, error) {
	if who, ok := t[token]; ok {
		return who, nil
	}
	return auth.Identity{}, auth.ErrBadToken
}

func service(logs *strings.Builder) (*Service, http.Handler) {
	s := &Service{Verifier: tokens{"good": {User: "ada"}}, Edge: Edge{Secret: "edge"}, Log: slog.New(slog.NewTextHandler(logs, nil))}
	greet := func(_ context.Context, r *Request, in greeting) (greeting, error) {
		switch in.Name {
		case "crash":
			return in, errors.New("secret cause")
		case "limit":
			return in, problem.New(problem.Exhausted, "rate_limited", "Slower.").After(1500000000)
		}
		in.Tags = []string{r.User.User, r.Viewer}
		return in, nil
	}
	return s, s.Mux(map[string]http.Handler{
		"POST /v1/greet":        Handle(s, Route{Status: 201, MaxBody: 200}, greet),
		"POST /v1/open":         Handle(s, Route{Status: 200, Open: true}, greet),
		"DELETE /v1/greet/{id}": Handle(s, Route{Status: 204}, func(context.Context, *Request, None) (None, error) { return None{}, nil }),
	})
}

func TestEndpointsAnswerEveryInput(t *testing.T) {
	var logs strings.Builder
	_, mux := service(&logs)
	for name, c := range map[string]struct {
		method, path, token, media, body string
		status                           int
		code                             string
	}{
		"fine":             {"POST", "/v1/greet", "good", "application/json; charset=utf-8", `{"name":"Bob"}`, 201, ""},
		"no body":          {"DELETE", "/v1/greet/1", "good", "", ``, 204, ""},
		"no token":         {"POST", "/v1/greet", "", "application/json", `{}`, 401, "token_missing"},
		"bad token":        {"POST", "/v1/greet", "bad", "application/json", `{}`, 401, "token_invalid"},
		"open":             {"POST", "/v1/open", "", "application/json", `{}`, 200, ""},
		"media type":       {"POST", "/v1/greet", "good", "text/plain", `{}`, 415, "unsupported_media_type"},
		"too large":        {"POST", "/v1/greet", "good", "application/json", `{"name":"` + strings.Repeat("x", 300) + `"}`, 413, "body_too_large"},
		"broken":           {"POST", "/v1/greet", "good", "application/json", `{"name":`, 400, "malformed_json"},
		"two objects":      {"POST", "/v1/greet", "good", "application/json", `{}{}`, 400, "malformed_json"},
		"no object":        {"POST", "/v1/greet", "good", "application/json", `[]`, 400, "malformed_json"},
		"null":             {"POST", "/v1/greet", "good", "application/json", `null`, 400, "malformed_json"},
		"empty":            {"POST", "/v1/greet", "good", "application/json", ``, 400, "malformed_json"},
		"unknown field":    {"POST", "/v1/greet", "good", "application/json", `{"nam":1}`, 400, "unknown_field"},
		"other case":       {"POST", "/v1/greet", "good", "application/json", `{"Name":"x"}`, 400, "unknown_field"},
		"twice":            {"POST", "/v1/greet", "good", "application/json", `{"name":"x","name":"y"}`, 400, "malformed_json"},
		"wrong type":       {"POST", "/v1/greet", "good", "application/json", `{"name":7}`, 400, "wrong_type"},
		"wrong type, list": {"POST", "/v1/greet", "good", "application/json", `{"tags":["a",{}]}`, 400, "wrong_type"},
		"number too large": {"POST", "/v1/greet", "good", "application/json", `{"times":1e99}`, 400, "wrong_type"},
		"NUL":              {"POST", "/v1/greet", "good", "application/json", `{"name":"a\u0000"}`, 400, "bad_character"},
		"lone surrogate":   {"POST", "/v1/greet", "good", "application/json", `{"name":"\ud800"}`, 400, "malformed_json"},
		"bad UTF-8":        {"POST", "/v1/greet", "good", "application/json", "{\"name\":\"\xff\"}", 400, "malformed_json"},
		"unknown path":     {"GET", "/v1/nothing", "good", "", ``, 404, "not_found"},
		"unclean path":     {"POST", "//v1/greet", "good", "application/json", `{}`, 404, "not_found"},
		"wrong method":     {"GET", "/v1/greet", "good", "", ``, 405, "method_not_allowed"},
		"our fault":        {"POST", "/v1/greet", "good", "application/json", `{"name":"crash"}`, 500, "internal"},
		"limit":            {"POST", "/v1/greet", "good", "application/json", `{"name":"limit"}`, 429, "rate_limited"},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.media)
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		var doc Document
		if w.Code >= 400 {
			if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || doc.Status != w.Code || doc.RequestID == "" {
				t.Errorf("%s: no problem document: %s", name, w.Body)
			}
		}
		if w.Code != c.status || doc.Code != c.code {
			t.Errorf("%s: %d %q, want %d %q", name, w.Code, doc.Code, c.status, c.code)
		}
		if strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s tells the cause: %s", name, w.Body)
		}
		if w.Code == 429 && w.Header().Get("Retry-After") != "2" {
			t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
		}
	}
	if got := strings.Count(logs.String(), "secret cause"); got != 1 {
		t.Errorf("the cause was logged %d times", got)
	}
}

func TestOnlyTheEdgeIsBelievedOnTheViewer(t *testing.T) {
	_, mux := service(new(strings.Builder))
	for name, c := range map[string]struct{ secret, viewer, want string }{
		"edge":         {"edge", "203.0.113.9:1234", "203.0.113.9"},
		"edge, IPv6":   {"edge", "2001:db8::1:443", "2001:db8::1"},
		"edge, broken": {"edge", "nonsense", ""},
		"somebody":     {"guess", "203.0.113.9:1234", "192.0.2.1"},
	} {
		r := httptest.NewRequest("POST", "/v1/open", strings.NewReader(`{}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(EdgeSecretHeader, c.secret)
		r.Header.Set(ViewerHeader, c.viewer)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		var got greeting
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Tags[1] != c.want {
			t.Errorf("%s: %s, want %q", name, w.Body, c.want)
		}
	}
}

// TestNoClientNamesItsRequest sends a header that only the gateway used to set, and
// that is no UTF-8 besides.
func TestNoClientNamesItsRequest(t *testing.T) {
	_, mux := service(new(strings.Builder))
	r := httptest.NewRequest("POST", "/v1/greet", strings.NewReader(`{}`))
	r.Header.Set("X-Parley-Request-Id", "forged\xff")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	if w.Code != 401 || strings.Contains(w.Header().Get("X-Request-Id")+w.Body.String(), "forged") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestLambdaCarriesARequestThere(t *testing.T) {
	_, mux := service(new(strings.Builder))
	ev := events.APIGatewayV2HTTPRequest{RawPath: "/v1/greet", Body: "eyJuYW1lIjoiQm9iIn0=", IsBase64Encoded: true,
		Headers: map[string]string{"authorization": "Bearer good", "content-type": "application/json"}}
	ev.RequestContext.HTTP.Method, ev.RequestContext.RequestID, ev.RequestContext.HTTP.SourceIP = "POST", "req-1", "198.51.100.7"
	out, err := carry(mux)(t.Context(), ev)
	if err != nil || out.StatusCode != 201 || out.Headers["X-Request-Id"] != "req-1" || !strings.Contains(out.Body, "198.51.100.7") {
		t.Errorf("%+v, %v", out, err)
	}
	ev.Body = "not base64"
	if out, _ = carry(mux)(t.Context(), ev); out.StatusCode != 400 {
		t.Errorf("bad base64: %+v", out)
	}
	ev.RequestContext.HTTP.Method = "BAD METHOD"
	ev.Body = ""
	if out, _ = carry(mux)(t.Context(), ev); out.StatusCode != 400 {
		t.Errorf("bad method: %+v", out)
	}
}

// TestAFunctionAnswersBeforeItIsKilled has a handler wait for something that
// doesn't come.
func TestAFunctionAnswersBeforeItIsKilled(t *testing.T) {
	s, _ := service(new(strings.Builder))
	h := Handle(s, Route{Status: 200, Open: true}, func(ctx context.Context, _ *Request, _ None) (None, error) {
		<-ctx.Done()
		return None{}, problem.New(problem.Unavailable, "unavailable", "Busy.").Because(ctx.Err())
	})
	ctx, cancel := context.WithTimeout(t.Context(), lastWords+50*time.Millisecond)
	defer cancel()
	ev := events.APIGatewayV2HTTPRequest{RawPath: "/"}
	ev.RequestContext.HTTP.Method = "GET"
	out, err := carry(h)(ctx, ev)
	if err != nil || out.StatusCode != 503 || ctx.Err() != nil {
		t.Errorf("%+v, %v; its time: %v", out, err, ctx.Err())
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"name":"x","times":3,"tags":["a"]}`, `{"name":"\ud83d\ude00"}`, `{"name":"\u0000"}`, `[`, "\xff", `{"tags":null}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var in greeting
		err := Decode(body, &in)
		if err == nil && strings.ContainsRune(in.Name+strings.Join(in.Tags, ""), 0) {
			t.Error("NUL passed")
		}
		if e := problem.From(err); err != nil && e.Kind != problem.Malformed {
			t.Errorf("%v", err)
		}
	})
}

func FuzzLambdaRequest(f *testing.F) {
	_, mux := service(new(strings.Builder))
	handle := carry(mux)
	f.Add("POST", "/v1/greet", "a=b", "{}", "Bearer good", false)
	f.Add("GET", "/v1/%zz", "%", "", "", true)
	f.Fuzz(func(t *testing.T, method, path, query, body, authorization string, b64 bool) {
		ev := events.APIGatewayV2HTTPRequest{RawPath: path, RawQueryString: query, Body: body, IsBase64Encoded: b64,
			Headers: map[string]string{"authorization": authorization, "content-type": "application/json"}}
		ev.RequestContext.HTTP.Method = method
		out, err := handle(t.Context(), ev)
		if err != nil || out.StatusCode < 200 || out.StatusCode >= 500 && !strings.Contains(body, "crash") {
			t.Errorf("%d, %v", out.StatusCode, err)
		}
	})
}
