//go:build service

package searchapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"parley/shared/api"
	"parley/shared/auth/authtest"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/object/objecttest"
	"parley/shared/quota"
	"parley/shared/search"
	"parley/shared/searchapi"
	"parley/shared/shelf"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

// world is the function search over a real table and a real bucket, with real tokens.
type world struct {
	t       *testing.T
	handler http.Handler
	chats   *store.Chats
	indexer *search.Indexer
	realm   *authtest.Realm
	ada     string // users
	bob     string
	jobs    int // that were queued
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, realm: authtest.New(t, time.Now), ada: id.New(time.Now()), bob: id.New(time.Now())}
	client, bucket := objecttest.Bucket(t)
	db, _, table := storetest.Tables(t)
	w.chats = store.NewChats(db, client, table, bucket)
	segments, err := shelf.New(client, bucket, t.TempDir(), 100<<20)
	if err != nil {
		t.Fatal(err)
	}
	w.indexer = &search.Indexer{Ledger: w.chats, Shelf: segments, Texts: w, Now: time.Now}
	searcher := &search.Searcher{Archive: w.chats, Reader: w.chats, Segments: segments, Texts: w, Jobs: w, Now: time.Now,
		Failed: func(what string, err error) { t.Errorf("searched without %s: %v", what, err) }}
	service := &api.Service{Verifier: w.realm.Verifier, Log: slog.New(slog.DiscardHandler)}
	w.handler = service.Mux(searchapi.Search(service, searcher))
	return w
}

// Texts has the text of no file.
func (w *world) Texts(context.Context, string, []string) (map[string][]search.Piece, error) {
	return nil, nil
}

// Index counts what is queued.
func (w *world) Index(context.Context, search.Job) error {
	w.jobs++
	return nil
}

// say writes a question of a user in a chat of its own, so long ago.
func (w *world) say(user, text string, ago time.Duration) (chatID, message string) {
	w.t.Helper()
	at := time.Now().Add(-ago)
	q := id.New(at)
	s := chat.Sending{User: user, Chat: id.New(at), NewChat: true, Title: "A chat", Reply: chat.ReplyOf(q), Limit: 1 << 30, At: at,
		Question: chat.Message{ID: q, Role: chat.User, Text: text, Deadline: at, Hour: "H"}}
	_, err := w.chats.Accept(w.t.Context(), s)
	if err == nil {
		_, err = w.chats.Ask(w.t.Context(), s)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return s.Chat, q
}

// answer is what came back.
type answer struct {
	search.Page
	problem api.Document
	status  int
	took    time.Duration
}

func (w *world) get(user, query string) (a answer) {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/v1/search?"+query, nil)
	if user != "" {
		r.Header.Set("Authorization", "Bearer "+w.realm.Token(w.t, user, quota.Free))
	}
	rec := httptest.NewRecorder()
	began := time.Now()
	w.handler.ServeHTTP(rec, r)
	a.took, a.status = time.Since(began), rec.Code
	var into any = &a.Page
	if a.status >= 400 {
		into = &a.problem
	}
	if err := json.Unmarshal(rec.Body.Bytes(), into); err != nil {
		w.t.Fatalf("%.200s: %v in %s", query, err, rec.Body)
	}
	return a
}

func q(text string, more ...string) string {
	v := url.Values{"q": {text}}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return v.Encode()
}

// TestStrangeQueries expects a clear refusal or an answer, in bounded time and memory,
// of a history that is partly indexed.
func TestStrangeQueries(t *testing.T) {
	w := newWorld(t)
	text := "The quick brown fox jumps over the lazy dog. Ein schneller brauner Fuchs. Быстрая лиса. 素早い茶色の狐。 " + strings.Repeat("abracadabra hocus pocus ", 4000)
	w.say(w.ada, text, 25*time.Hour)
	if _, err := w.indexer.Run(t.Context(), search.Job{User: w.ada, Anew: true}); err != nil {
		t.Fatal(err)
	}
	chatID, message := w.say(w.ada, "A fox, again", 0)
	theirs, _ := w.say(w.bob, "A fox, elsewhere", 0)
	first := w.get(w.ada, q("fox", "limit", "1"))
	if first.status != 200 || first.Next == "" {
		t.Fatalf("%+v", first)
	}
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		query  string
		status int
		code   string // of the field, if one is wrong
		hits   int
	}{
		"one word":                    {q("again"), 200, "", 1},
		"10 KB":                       {q(strings.Repeat("fox ", 2560)), 422, "query_too_long", 0},
		"10 KB without a gap":         {q(strings.Repeat("x", 10<<10)), 422, "query_too_long", 0},
		"a word of 1,000 letters":     {q(strings.Repeat("x", 1000)), 200, "", 0},
		"1,000 letters without words": {q(strings.Repeat("狐", 1000)), 422, "query_too_complex", 0},
		"33 words":                    {q(many(33, "w%d ")), 422, "query_too_complex", 0},
		"1,000 prefixes":              {q(many(1000, "a%d* ")), 422, "query_too_long", 0},
		"a hundred prefixes":          {q(many(100, "ab%d* ")), 422, "query_too_complex", 0},
		"only stop words":             {q("the of and"), 200, "", 1},
		"only punctuation":            {q("?!… -- ()[]{}"), 422, "no_words", 0},
		"nothing":                     {"", 422, "no_words", 0},
		"white space":                 {q(" \t\n\u00a0\u3000"), 422, "no_words", 0},
		"a star":                      {q("*"), 422, "no_words", 0},
		"stars":                       {q("* ** *** -*"), 422, "no_words", 0},
		"one letter and a star":       {q("z*"), 200, "", 0},
		"only without":                {q("-fox"), 422, "only_without", 0},
		"without what there is":       {q("fox -fox"), 200, "", 0},
		"a quote without its partner": {q(`"quick brown`), 200, "", 1},
		"three quotes":                {q(`"quick" "brown`), 200, "", 1},
		"nothing but quotes":          {q(`"""""""`), 422, "no_words", 0},
		"quotes of phones":            {q("„quick brown“"), 200, "", 1},
		"an expression":               {q(`(a+)+$ .* [^x]{1,1000} \p{L}`), 200, "", -1},
		"SQL":                         {q(`'; DROP TABLE users; --`), 200, "", 0},
		"more SQL":                    {q(`" OR 1=1 UNION SELECT * FROM users WHERE ''='`), 200, "", -1},
		"an FTS5 operator":            {q(`NEAR(fox dog, 5) AND NOT column:x`), 200, "", -1},
		"JSON":                        {q(`{"$ne": null, "a": [1]}`), 200, "", -1},
		"a path":                      {q("../../segments/" + w.bob), 200, "", 0},
		"markup":                      {q(`<script>alert("fox")</script>`), 200, "", -1},
		"bidi controls":               {q("\u202e\u2066fox\u2069\u202c"), 200, "", 2},
		"only bidi controls":          {q("\u202e\u2066\u2069\u202c\u200f"), 422, "no_words", 0},
		"controls":                    {q("\x00fox\x01f\x7f"), 200, "", -1},
		"a mark that is ours":         {q("\x01f"), 200, "", -1},
		"no UTF-8":                    {"q=%ff%fefox%c0%af", 200, "", 2},
		"half an escape":              {"q=%zz", 422, "no_words", 0},
		"combining marks":             {q("fo" + strings.Repeat("\u0301", 900) + "x"), 200, "", -1},
		"emoji":                       {q("👩‍👩‍👧‍👦 🏳️‍🌈"), 422, "no_words", 0},
		"twice":                       {"q=again&q=lazy", 422, "no_words", 0},
		"a bad date":                  {q("fox", "from", "yesterday"), 422, "bad_time", 0},
		"a date that isn't":           {q("fox", "from", "2026-02-30"), 422, "bad_time", 0},
		"a date of long ago":          {q("fox", "from", "-0001-01-01"), 422, "bad_time", 0},
		"a range that is none":        {q("fox", "from", "2026-02-02", "to", "2026-01-01"), 422, "bad_range", 0},
		"a day to come":               {q("fox", "from", "2999-01-01"), 200, "", 0},
		"a bad role":                  {q("fox", "role", "system"), 422, "bad_role", 0},
		"something else to have":      {q("fox", "has", "legs"), 422, "bad_has", 0},
		"a chat":                      {q("fox", "chat_id", chatID), 200, "", 1},
		"another's chat":              {q("fox", "chat_id", theirs), 200, "", 0},
		"a chat that isn't":           {q("fox", "chat_id", id.New(time.Now())), 200, "", 0},
		"no chat's id":                {q("fox", "chat_id", "../"+theirs), 422, "bad_chat", 0},
		"a message's id":              {q("fox", "chat_id", message), 200, "", 0},
		"no hits a page":              {q("fox", "limit", "0"), 422, "bad_limit", 0},
		"a thousand hits a page":      {q("fox", "limit", "1000"), 422, "bad_limit", 0},
		"a limit that is none":        {q("fox", "limit", "x"), 422, "bad_limit", 0},
		"the next page":               {q("fox", "cursor", first.Next), 200, "", 1},
		"another search's cursor":     {q("dog", "cursor", first.Next), 422, "bad_cursor", 0},
		"no cursor":                   {q("fox", "cursor", "AAAA"), 422, "bad_cursor", 0},
		"a cursor of 10 KB":           {q("fox", "cursor", strings.Repeat("A", 10<<10)), 422, "bad_cursor", 0},
		"a history's cursor":          {q("fox", "cursor", message), 422, "bad_cursor", 0},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		a := w.get(w.ada, c.query)
		runtime.ReadMemStats(&after)
		got := ""
		if len(a.problem.Errors) > 0 {
			got = a.problem.Errors[0].Code
		}
		if a.status != c.status || got != c.code || c.hits >= 0 && len(a.Hits) != c.hits {
			t.Errorf("%s: %d %s, %d hits; want %d %s, %d", name, a.status, got, len(a.Hits), c.status, c.code, c.hits)
		}
		if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; a.took > 5*time.Second || mb > 64 {
			t.Errorf("%s: took %v and %d MB", name, a.took, mb)
		}
		if a.Partial || w.jobs > 0 {
			t.Errorf("%s: partly searched, %d jobs", name, w.jobs)
		}
	}
	if a := w.get(w.bob, q("fox", "cursor", first.Next)); a.status != 422 {
		t.Errorf("another's cursor: %d", a.status)
	}
	if a := w.get("", q("fox")); a.status != 401 {
		t.Errorf("nobody: %d", a.status)
	}
}
