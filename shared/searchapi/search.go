// Package searchapi is the HTTP side of search: what the function search serves. Paths
// and shapes are those of docs/openapi.yaml.
package searchapi

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"parley/shared/api"
	"parley/shared/chat"
	"parley/shared/problem"
	"parley/shared/search"
)

// Search returns the endpoint that searches.
func Search(s *api.Service, searcher *search.Searcher) map[string]http.Handler {
	return map[string]http.Handler{
		"GET /v1/search": api.Handle(s, api.Route{Status: http.StatusOK},
			func(ctx context.Context, r *api.Request, _ api.None) (search.Page, error) {
				var c problem.Check
				asked := read(r.URL.Query(), &c)
				asked.User, asked.Limit, asked.Cursor = r.User.User, r.Limit(search.DefaultPage), r.Cursor()
				asked.Check(&c) // with what read has noted, so that one answer names all
				if err := c.Err(); err != nil {
					return search.Page{}, err
				}
				return searcher.Search(ctx, asked)
			}),
	}
}

// read takes a request out of a URL's query, and notes what can't be read.
func read(q url.Values, c *problem.Check) search.Request {
	r := search.Request{Query: api.Param(q, "q"), Filter: search.Filter{Chat: api.Param(q, "chat_id"), Role: chat.Role(api.Param(q, "role"))}}
	r.Filter.From = moment(api.Param(q, "from"), "from", 0, c)
	r.Filter.To = moment(api.Param(q, "to"), "to", 24*time.Hour, c)
	switch has := api.Param(q, "has"); has {
	case "":
	case "file":
		r.Filter.HasFile = true
	default:
		c.That(false, "has", "bad_has", `What a message can have is "file".`)
	}
	return r
}

// moment reads a time (RFC 3339) or a day (in UTC), which counts from its beginning and
// up to so long after it.
func moment(s, field string, whole time.Duration, c *problem.Check) time.Time {
	if s == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.DateOnly, s)
	if err == nil {
		at = at.Add(whole)
	} else {
		at, err = time.Parse(time.RFC3339, strings.ToUpper(s))
	}
	if err != nil || at.Year() < 1970 || at.Year() > 9999 {
		c.That(false, field, "bad_time", "A time is written as 2026-11-27T09:00:00Z, a day as 2026-11-27.")
		return time.Time{}
	}
	return at
}
