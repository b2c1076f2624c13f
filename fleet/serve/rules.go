package serve

import (
	"net/http"
	"strings"
)

// Origin is who answers a path.
type Origin string

// The origins behind the one address.
const (
	ToRelay Origin = "relay"
	ToAPI   Origin = "api"
	ToPage  Origin = "page"
)

// Rule sends the paths that match a pattern to an origin. A star stands for any
// run of characters, slashes included, as in a CDN's path patterns.
type Rule struct {
	Pattern string
	Origin  Origin
}

// Rules are the path rules of the one address, the first match counts. The CDN's
// behaviours in the template are the same list in the same order.
var Rules = []Rule{
	{"/v1/chats/*/messages/*/stream", ToRelay},
	{"/v1/chats/*/messages/*/wait", ToRelay},
	{"/v1/chats/*/messages/*/cancel", ToRelay},
	{"/v1/chat/completions", ToRelay},
	{"/v1/models", ToRelay},
	{"/v1/*", ToAPI},
	{"/.well-known/*", ToAPI},
	{"*", ToPage},
}

// OriginOf returns who answers path.
func OriginOf(path string) Origin {
	for _, r := range Rules {
		if matches(r.Pattern, path) {
			return r.Origin
		}
	}
	return ToPage
}

func matches(pattern, path string) bool {
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(path, parts[0])
	if !ok || len(parts) == 1 {
		return ok && rest == ""
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, parts[last])
}

// FrontDoor serves every path by the rules.
func FrontDoor(relay, api, page http.Handler) http.Handler {
	origins := map[Origin]http.Handler{ToRelay: relay, ToAPI: api, ToPage: page}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origins[OriginOf(r.URL.Path)].ServeHTTP(w, r)
	})
}
