package docs_test

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"go.yaml.in/yaml/v4"

	"parley/docs"
	"parley/fleet/openai"
	"parley/fleet/serve"
	"parley/shared/accountapi"
	"parley/shared/chatapi"
	"parley/shared/fileapi"
	"parley/shared/searchapi"
)

// contract returns the document with a validator for it; it must be valid itself.
func contract(t *testing.T) validator.Validator {
	t.Helper()
	doc, err := libopenapi.NewDocument(docs.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(doc)
	for _, err := range errs {
		t.Fatal(err)
	}
	return v
}

func TestDocumentIsValid(t *testing.T) {
	if ok, errs := contract(t).ValidateDocument(); !ok {
		for _, e := range errs {
			t.Errorf("%s: %s", e.Message, e.Reason)
		}
	}
}

// TestRoutes compares three lists: what the document has, what the template
// routes to functions, and what functions and relay serve.
func TestRoutes(t *testing.T) {
	described, routed := routesOfDocument(t), routesOfTemplate(t)
	functions := patterns(accountapi.SignUp(nil, nil), accountapi.Login(nil, nil, nil), accountapi.Upkeep(nil, nil), accountapi.Keys(nil, nil),
		chatapi.Send(nil, nil), chatapi.History(nil, nil, nil, nil), fileapi.Upload(nil, nil), fileapi.Files(nil, nil, nil),
		searchapi.Search(nil, nil))
	relay := patterns((&serve.Relay{}).Routes(), (&openai.Endpoint{}).Routes())
	if d := cmp.Diff(functions, routed); d != "" {
		t.Errorf("functions serve (-) and functions/template.yaml routes (+):\n%s", d)
	}
	if d := cmp.Diff(described, sorted(append(functions, relay...))); d != "" {
		t.Errorf("docs/openapi.yaml has (-) and functions and relay serve (+):\n%s", d)
	}
}

// TestOrigins: what the document has reaches the relay or the API by the path rules.
func TestOrigins(t *testing.T) {
	relay := patterns((&serve.Relay{}).Routes(), (&openai.Endpoint{}).Routes())
	for _, route := range routesOfDocument(t) {
		_, path, _ := strings.Cut(route, " ")
		want := serve.ToAPI
		if slices.Contains(relay, route) {
			want = serve.ToRelay
		}
		if got := serve.OriginOf(path); got != want {
			t.Errorf("%s goes to %s, want %s", route, got, want)
		}
	}
}

var methods = []string{"get", "put", "post", "delete", "patch"}

func routesOfDocument(t *testing.T) []string {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]yaml.Node `yaml:"paths"`
	}
	if err := yaml.Unmarshal(docs.OpenAPI, &doc); err != nil {
		t.Fatal(err)
	}
	var routes []string
	for path, item := range doc.Paths {
		for key := range item {
			if slices.Contains(methods, key) {
				routes = append(routes, strings.ToUpper(key)+" "+path)
			}
		}
	}
	return sorted(routes)
}

var routeKey = regexp.MustCompile(`RouteKey: '([^']+)'`)

func routesOfTemplate(t *testing.T) []string {
	t.Helper()
	template, err := os.ReadFile("../functions/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var routes []string
	for _, m := range routeKey.FindAllSubmatch(template, -1) {
		routes = append(routes, string(m[1]))
	}
	if n := strings.Count(string(template), "RouteKey:"); n != len(routes) {
		t.Fatalf("read %d of %d routes of functions/template.yaml", len(routes), n)
	}
	return sorted(routes)
}

func patterns(tables ...map[string]http.Handler) []string {
	var all []string
	for _, table := range tables {
		for pattern := range table {
			all = append(all, pattern)
		}
	}
	return sorted(all)
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}
