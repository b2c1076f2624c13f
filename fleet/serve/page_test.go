package serve

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestThePageCallsItsOwnOriginAndThoseOfFiles(t *testing.T) {
	for given, want := range map[string]string{
		"":                            "connect-src 'self';",
		"http://127.0.0.1:4566":       "connect-src 'self' http://127.0.0.1:4566;",
		"https://a.example https://b": "connect-src 'self' https://a.example https://b;",
	} {
		page, err := Page(t.TempDir(), strings.Fields(given)...)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		page.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if got := w.Header().Get("Content-Security-Policy"); !strings.Contains(got, want) {
			t.Errorf("%q: %s", given, got)
		}
	}
}

// A setting can't loosen the policy in ways that nobody meant.
func TestWhatIsNoOriginIsRefused(t *testing.T) {
	for _, given := range []string{"*", "https:", "https://", "https://*", "https://*.example", "https://a;script-src", "'unsafe-inline'",
		"https://a/", "https://a/b", "https://u@a", "ftp://a", "//a", "data:", "HTTPS://a"} {
		if _, err := Page(t.TempDir(), given); err == nil {
			t.Errorf("%q was taken", given)
		}
	}
}

func TestOnlyThePageIsShown(t *testing.T) {
	page, err := Page("../../web")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/": 200, "/index.html": 301, "/app.js": 200, "/vendor/": 404, "/package.json": 404, "/test/units.test.mjs": 404,
		"/template.yaml": 404, "/region.template.yaml": 404, "/template_test.go": 404, "/../go.mod": 404} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path = path
		page.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}
