package api

import (
	"net/url"
	"strconv"
	"strings"
)

// Page is a page of a list, with the cursor of the next one; empty at the end.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next_cursor,omitempty"`
}

// Param returns a parameter of a URL's query that is said once; of one that is said more
// often, what none can be.
func Param(q url.Values, name string) string {
	if len(q[name]) > 1 {
		return "\x00"
	}
	return q.Get(name)
}

// Limit returns how many items the client wants on a page; usual if it doesn't say.
// What is no number, or is said more than once, is 0, out of range, which the use case
// reports.
func (r *Request) Limit(usual int) int {
	given := Param(r.URL.Query(), "limit")
	if given == "" {
		return usual
	}
	n, err := strconv.Atoi(given)
	if err != nil || strings.HasPrefix(given, "+") {
		return 0
	}
	return n
}

// Cursor returns where the page begins; empty: at the list's beginning.
func (r *Request) Cursor() string { return Param(r.URL.Query(), "cursor") }
