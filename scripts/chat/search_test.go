package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/scripts/internal/client"
	"parley/shared/search"
)

// finder is a server that knows two pages of hits, and keeps what it was asked.
type finder struct {
	*httptest.Server
	asked []string // queries of searches, and chats that were opened
}

func newFinder(t *testing.T) *finder {
	f := &finder{}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

const hit = `{"hits":[{"chat_id":"%s","message_id":"M","role":"%s","created_at":"2026-01-02T03:04:05Z","chat_title":"%s","snippet":"%s","highlights":[%s],"score":1,"in":"message"%s}],"total":7%s}`

func (f *finder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch {
	case r.Method == "POST":
		io.WriteString(w, pair)
	case r.URL.Path == "/.well-known/jwks.json":
	case r.URL.Path != "/v1/search":
		f.asked = append(f.asked, r.URL.Path)
		io.WriteString(w, `{"items":[{"message_id":"M","role":"user","status":"done","text":"Here."}],"next_cursor":""}`)
	default:
		f.asked = append(f.asked, r.URL.RawQuery)
		switch {
		case q.Get("q") == "?":
			w.WriteHeader(http.StatusUnprocessableEntity)
			io.WriteString(w, `{"code":"no_words","detail":"A query needs a word to look for."}`)
		case q.Get("q") == "dodo":
			io.WriteString(w, `{"hits":[],"total":0,"partial":true}`)
		case q.Get("cursor") == "":
			fmt.Fprintf(w, hit, "A", "user", `Birds\u001b[2J`, `a \u202e🦜 and naïve\tparrots…`, `[3,4],[15,22]`, "", `,"next_cursor":"n"`)
		default:
			fmt.Fprintf(w, hit, "B", "assistant", "", "the parrot", "[4,10]", `,"file":{"file_id":"F","name":"birds.pdf","page":2}`, "")
		}
	}
}

func TestSearchThroughAPipe(t *testing.T) {
	t.Setenv("PARLEY_HOME", t.TempDir())
	f := newFinder(t)
	got, err := talk(t, f.URL, "l", "ada@example.com", "correct horse", "/more", "/search",
		`/search --role user --has file  --from 2026-01-01 "a parrot" -cat`, "/more", "/more", "/open 2",
		"/search --here dodo", "/open 1", "/search ?", "never read")
	if !client.IsCode(err, "no_words") {
		t.Errorf("a query without a word: %v", err)
	}
	for _, want := range []string{
		"There are no more hits.", "finds messages with lighthouse in any form",
		"   1  2026-01-02 ", "Birds[2J\n      you: a *🦜* and naïve *parrots*…\n(1 of about 7. /more shows more, /open N goes to a chat.)\n",
		"   2  2026-01-02 ", "(no title)\n      birds.pdf, page 2: the *parrot*\n", "> Here.",
		"Nothing was found.\n(A part of your chats could not be searched.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	want := []string{
		"from=2026-01-01&has=file&q=%22a+parrot%22+-cat&role=user",
		"cursor=n&from=2026-01-01&has=file&q=%22a+parrot%22+-cat&role=user",
		"/v1/chats/B/messages", "chat_id=B&q=dodo", "/v1/chats/A/messages", "q=%3F",
	}
	if d := cmp.Diff(want, f.asked); d != "" {
		t.Error(d)
	}
}

func TestSearchOptionsThatDoNotExist(t *testing.T) {
	s := &session{}
	for _, argument := range []string{"--who me parrot", "--has legs parrot", "--here parrot", "--"} {
		if got, err := s.soughtIn(argument); err == nil {
			t.Errorf("%s: %+v", argument, got)
		}
	}
}

func TestMarked(t *testing.T) {
	for _, c := range []struct {
		snippet string
		places  [][2]int
		want    string
	}{
		{"no place", nil, "no place"},
		{"👩‍👩‍👧 café\u0301!", [][2]int{{0, 5}, {6, 11}}, "<👩‍👩‍👧> <café\u0301>!"},
		{"x\u202ey\x1b[2Jz\nw", [][2]int{{2, 3}, {7, 10}}, "x<y>[2J<z w>"},
		{"what isn't there", [][2]int{{-1, 2}, {5, 5}, {5, 4}, {3, 99}}, "what isn't there"},
	} {
		if got := marked(search.Hit{Snippet: c.snippet, Highlights: c.places}, "<", ">"); got != c.want {
			t.Errorf("%q: %q, want %q", c.snippet, got, c.want)
		}
	}
}
