//go:build service

package search_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/shared/chat"
	"parley/shared/search"
)

// TestPagesNeitherRepeatNorSkip goes through many hits while others come, chats are
// renamed and deleted, and all of it is indexed and merged.
func TestPagesNeitherRepeatNorSkip(t *testing.T) {
	w := newWorld(t)
	w.to(time.Now().Add(-time.Minute)) // the table's clock notes when a chat is renamed
	words := []string{"pelican", "pelican and other birds", "a pelican pelican pelican", "Of what use is a pelican's beak to a pelican?"}
	want := map[string]bool{}
	var chats []string
	for i := range 75 {
		question := fmt.Sprintf("Note %d of the day", i)
		if i > 40 { // those before get other titles
			question += ", pelicans"
		}
		r := w.say(w.ada, "", question, words[i%4]+strings.Repeat(" more", i%7))
		want[r.question], want[r.reply] = i > 40, true
		chats = append(chats, r.chat)
		r = w.say(w.ada, r.chat, words[(i+1)%4], "Indeed.")
		want[r.question] = true
	}
	w.say(w.ada, "", "Hello?", filler(enough))
	seen := map[string]bool{}
	cursor := ""
	for page := 0; ; page++ {
		p := w.find(w.ada, "pelican", func(r *search.Request) { r.Limit, r.Cursor = 11, cursor })
		for _, h := range p.Hits {
			if seen[h.Message] {
				t.Errorf("page %d repeats %+v", page, h)
			}
			seen[h.Message] = true
		}
		if cursor = p.Next; cursor == "" {
			break
		}
		if page > 40 {
			t.Fatal("there is no end to it")
		}
		for i := range page + 1 { // with other lengths and many of them, all weights change
			w.say(w.ada, "", "Hello?", strings.Repeat("pelican ", i+1)+filler(100))
		}
		name := fmt.Sprintf("Chat number %d", page)
		if _, err := w.chats.Change(t.Context(), w.ada, chats[page], chat.Changes{Title: &name}); err != nil {
			t.Fatal(err)
		}
		w.say(w.ada, "", "Hello?", filler(enough))
		if page%2 == 1 {
			w.pass(lag + time.Minute)
			w.run(search.Job{User: w.ada})
		}
	}
	for m, has := range want {
		if has && !seen[m] {
			t.Errorf("%s was on no page", m)
		}
	}
}

// A cursor is good for the search that gave it out, and for nobody else's.
func TestCursors(t *testing.T) {
	w := newWorld(t)
	for range 6 {
		w.say(w.ada, "", "What is a newt?", "An animal.")
		w.say(w.bob, "", "What is a newt?", "An animal.")
	}
	request := search.Request{User: w.ada, Query: "newt animal", Limit: 5}
	first, err := w.Search(t.Context(), request)
	if err != nil || first.Next == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(first.Next)
	if err != nil {
		t.Fatal(err)
	}
	edited := func(change func([]byte) []byte) string {
		return base64.RawURLEncoding.EncodeToString(change(slices.Clone(raw)))
	}
	for name, change := range map[string]func(*search.Request){
		"none":             func(r *search.Request) { r.Cursor = "x" },
		"somebody else's":  func(r *search.Request) { r.User = w.bob },
		"another query's":  func(r *search.Request) { r.Query = "newt" },
		"another filter's": func(r *search.Request) { r.Filter.Role = chat.User },
		"another time's":   func(r *search.Request) { r.Filter.From = w.now() },
		"cut":              func(r *search.Request) { r.Cursor = edited(func(b []byte) []byte { return b[:len(b)-1] }) },
		"longer":           func(r *search.Request) { r.Cursor = edited(func(b []byte) []byte { return append(b, 0) }) },
		"longer by a weight": func(r *search.Request) {
			r.Cursor = edited(func(b []byte) []byte { return append(b, make([]byte, 8)...) })
		},
		"not a number":        func(r *search.Request) { r.Cursor = edited(func(b []byte) []byte { return set(b, 9, 0x7f, 0xf8) }) },
		"endless":             func(r *search.Request) { r.Cursor = edited(func(b []byte) []byte { return set(b, 9, 0x7f, 0xf0) }) },
		"an impossible kind":  func(r *search.Request) { r.Cursor = edited(func(b []byte) []byte { return set(b, 8, 3) }) },
		"an impossible mean":  func(r *search.Request) { r.Cursor = edited(func(b []byte) []byte { return set(b, 49, 0, 0) }) },
		"a negative weight":   func(r *search.Request) { r.Cursor = edited(func(b []byte) []byte { return set(b, 57, 0xbf, 0xf0) }) },
		"spelt in other ways": func(r *search.Request) { r.Cursor += "=" },
	} {
		r := request
		r.Cursor = first.Next
		change(&r)
		if _, err := w.Search(t.Context(), r); !errors.Is(err, search.ErrCursor) {
			t.Errorf("%s: %v", name, err)
		}
	}
	whole := edited(func(b []byte) []byte { return set(b, 33, 0xff, 0xff, 0xff) }) // until the end of time
	old := edited(func(b []byte) []byte { return set(b, 33, 0, 0, 0) })            // until before all
	for _, r := range []search.Request{{Cursor: first.Next}, {Cursor: whole}, {Cursor: old}} {
		r.User, r.Query, r.Limit = w.ada, request.Query, search.MaxPage
		if _, err := w.Search(t.Context(), r); err != nil {
			t.Errorf("%s: %v", r.Cursor, err)
		}
	}
	w.pass(48 * time.Hour) // a cursor has no end; what it is of is indexed meanwhile
	w.say(w.ada, "", "Hello?", filler(enough))
	w.pass(lag + time.Minute)
	w.run(search.Job{User: w.ada})
	rest := w.find(w.ada, request.Query, func(r *search.Request) { r.Cursor = first.Next })
	all := slices.Compact(slices.Sorted(slices.Values(slices.Concat(found(first), found(rest)))))
	if len(all) != 12 || len(first.Hits)+len(rest.Hits) != 12 {
		t.Errorf("%d and %d hits, %d messages; want 12", len(first.Hits), len(rest.Hits), len(all))
	}
}

func set(b []byte, at int, to ...byte) []byte {
	copy(b[at:], to)
	return b
}

// TestIsolation has two users with the same words: each finds their own, and nothing of
// the other's is ever opened.
func TestIsolation(t *testing.T) {
	w := newWorld(t)
	text := filler(enough)
	chats := map[string]string{}
	for _, user := range []string{w.ada, w.bob} {
		chats[user] = w.say(user, "", "My secret is amaranth.", text).chat
	}
	w.pass(lag + time.Minute)
	for user := range chats {
		w.run(search.Job{User: user})
		w.say(user, "", "Amaranth again", "And again.")
	}
	for user, other := range map[string]string{w.ada: w.bob, w.bob: w.ada} {
		w.Segments = w.machine()
		w.watched()
		for _, query := range []string{"amaranth", `"my secret"`, "amar*", "amarnth", text[:50], "again"} {
			for _, h := range w.find(user, query).Hits {
				if c, err := w.chats.Chat(t.Context(), user, h.Chat); err != nil || c.ID == chats[other] {
					t.Errorf("%q finds %+v, %v", query, h, err)
				}
			}
			if p := w.find(user, query, func(r *search.Request) { r.Filter.Chat = chats[other] }); len(p.Hits) != 0 || p.Total != 0 {
				t.Errorf("%q in another's chat finds %+v", query, p)
			}
		}
		opened := w.watched()
		for _, key := range opened {
			if !strings.HasPrefix(key, "segments/"+user+"/") {
				t.Errorf("%s opened %s", user, key)
			}
		}
		if len(opened) != 1 {
			t.Errorf("%d objects were asked for, want the one segment, once", len(opened))
		}
	}
}
