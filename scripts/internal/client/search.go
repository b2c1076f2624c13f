package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"parley/shared/chat"
	"parley/shared/search"
)

// Sought is what is looked for: words, "a phrase", beg*, -without. Empty fields
// narrow nothing down.
type Sought struct {
	Query    string
	Chat     string
	Role     chat.Role
	From, To string // a time (RFC 3339), or a day, which is whole and in UTC
	HasFile  bool
	Limit    int    // hits of a page; zero leaves it to the server
	Cursor   string // Next of the page before, which was asked for with the same
}

// Search returns a page of the messages that fit best.
func (c *Client) Search(ctx context.Context, s Sought) (search.Page, error) {
	q := url.Values{"q": {s.Query}}
	for name, value := range map[string]string{"chat_id": s.Chat, "role": string(s.Role), "from": s.From, "to": s.To, "cursor": s.Cursor} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if s.HasFile {
		q.Set("has", "file")
	}
	if s.Limit > 0 {
		q.Set("limit", strconv.Itoa(s.Limit))
	}
	var p search.Page
	err := c.call(ctx, request{method: http.MethodGet, path: "/v1/search?" + q.Encode(), again: true}, &p)
	return p, err
}
