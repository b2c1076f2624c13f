//go:build service

package ledger_test

import (
	"encoding/json"
	"net/url"
	"time"

	"parley/scripts/internal/ledger"
	"parley/shared/search"
)

// searchRows counts what search costs a user of four chats, in which as much was said
// as there is from one indexing to the next on average.
func (b *book) searchRows() (rows []ledger.FileRow) {
	b.t.Helper()
	defer func(user, token string) { b.user, b.token = user, token }(b.user, b.token)
	b.user, b.token, _ = b.signUp(4)
	for range 4 {
		b.grow(ledger.IndexedTurns / 4)
	}
	b.found("rest", "") // the function has served before
	note := func(what string, row ledger.FileRow) {
		row.What = what
		rows = append(rows, row)
	}
	note("search what isn't indexed: 88 turns of four chats", b.found("rest", ""))
	e, err := b.Start(b.t.Context(), "index-history", "INDEX_LAG=0s")
	if err != nil {
		b.t.Fatal(err)
	}
	b.functions["index-history"] = e
	note("index 88 turns of four chats", b.index())
	note("index again, with nothing new", b.index())
	b.functions["search"].Close() // a new environment: nothing is on its disk
	delete(b.functions, "search")
	note("search what is indexed, first of a process", b.found("index", ""))
	note("search what is indexed", b.found("index", ""))
	note("search what is indexed, nothing is found", b.found("index", "zyzzyva"))
	return rows
}

// index has the user's whole history indexed.
func (b *book) index() ledger.FileRow {
	b.t.Helper()
	job, _ := json.Marshal(object{"v": 1, "index": b.user})
	calls, own := b.event("index-history", string(job))
	b.t.Logf("index-history: %v of its own", own)
	return ledger.FileRow{Figures: ledger.Sum(calls), Events: 1, Moved: moved(calls)}
}

// found searches for words that all of the history has, or for those.
func (b *book) found(where, words string) ledger.FileRow {
	b.t.Helper()
	want := words == ""
	if want {
		words = "the people"
	}
	var page search.Page
	began := time.Now()
	calls := b.count(func() { b.decode(b.call("search", "GET", "/v1/search?q="+url.QueryEscape(words), "", 200), &page) })
	b.t.Logf("search, %s: %v of its own", where, time.Since(began)-ledger.Waited(calls))
	if (len(page.Hits) == search.DefaultPage) != want || page.Partial {
		b.t.Fatalf("%s: %d hits, partial %v", where, len(page.Hits), page.Partial)
	}
	return ledger.FileRow{Figures: ledger.Sum(calls), Requests: 1, Moved: moved(calls)}
}
