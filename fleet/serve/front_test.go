package serve

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parley/shared/api"
)

func TestRules(t *testing.T) {
	for path, want := range map[string]Origin{
		"/v1/chats/A/messages/B/stream":       ToRelay,
		"/v1/chats/A/messages/B/wait":         ToRelay,
		"/v1/chats/A/messages/B/cancel":       ToRelay,
		"/v1/chat/completions":                ToRelay,
		"/v1/models":                          ToRelay,
		"/v1/chats/A/messages/B":              ToAPI,
		"/v1/chats/A/messages/B/regenerate":   ToAPI,
		"/v1/chats/A/messages/B/streams":      ToAPI,
		"/v1/messages":                        ToAPI,
		"/v1/":                                ToAPI,
		"/.well-known/jwks.json":              ToAPI,
		"/":                                   ToPage,
		"/app.js":                             ToPage,
		"/v1":                                 ToPage,
		"/v2/chats/A/messages/B/stream":       ToPage,
		"/x/v1/chats/A/messages/B/stream":     ToPage,
		"/v1/chats//messages//stream":         ToRelay,
		"/v1/chats/messages/stream":           ToAPI,
		"/v1/chats/A/messages/B/wait/../wait": ToRelay,
	} {
		if got := OriginOf(path); got != want {
			t.Errorf("%s goes to %s, want %s", path, got, want)
		}
	}
}

var quiet = slog.New(slog.DiscardHandler)

func front(t *testing.T, apiURL string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"web/index.html": "<title>Parley</title>", "web/app.js": "1", "web/.hidden": "x", "web/sub/a.txt": "a", "secret": "s"} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	page, err := Page(filepath.Join(dir, "web"))
	if err != nil {
		t.Fatal(err)
	}
	toAPI, err := ToAPIAt(apiURL, "edge secret", quiet)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(FrontDoor(http.NotFoundHandler(), toAPI, page))
	t.Cleanup(s.Close)
	return s.URL
}

func get(t *testing.T, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// Only the front door says who a client is.
func TestAPIGetsTheEdgesWord(t *testing.T) {
	var got *http.Request
	behind := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }))
	defer behind.Close()
	url := front(t, behind.URL+"/stage/")
	get(t, url+"/v1/me?a=b", api.EdgeSecretHeader, "guess", api.ViewerHeader, "6.6.6.6:1", "X-Parley-Request-Id", "forged",
		"X-Forwarded-For", "6.6.6.6", "Authorization", "Bearer x")
	if got.URL.Path != "/stage/v1/me" || got.URL.RawQuery != "a=b" || got.Header.Get("Authorization") != "Bearer x" {
		t.Errorf("the API got %s %v", got.URL, got.Header)
	}
	if h := got.Header; h.Get(api.EdgeSecretHeader) != "edge secret" || !strings.HasPrefix(h.Get(api.ViewerHeader), "127.0.0.1:") ||
		h.Get("X-Forwarded-For") != "" || h.Get("X-Parley-Request-Id") != "" {
		t.Errorf("the API got %v", h)
	}
}

func TestAbsentAPIIsAProblem(t *testing.T) {
	resp, body := get(t, front(t, "http://127.0.0.1:1")+"/v1/me")
	var doc api.Document
	if err := json.Unmarshal([]byte(body), &doc); err != nil || resp.StatusCode != 503 || doc.Code != "api_unavailable" ||
		resp.Header.Get("Retry-After") == "" || strings.Contains(body, "127.0.0.1") {
		t.Errorf("status %d: %s", resp.StatusCode, body)
	}
}

func TestPage(t *testing.T) {
	url := front(t, "http://127.0.0.1:1")
	for path, want := range map[string]int{"/": 200, "/app.js": 200, "/sub/a.txt": 200, "/sub/": 404, "/sub": 404, "/.hidden": 404,
		"/../secret": 404, "/%2e%2e/secret": 404, "/nothing": 404, "/a%00b": 404} {
		resp, _ := get(t, url+path)
		if resp.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, resp.StatusCode, want)
		}
		if h := resp.Header; h.Get("Content-Security-Policy") == "" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: unsafe headers %v", path, h)
		}
	}
}
