//go:build service

package search_test

import (
	"testing"
	"time"

	"parley/shared/chat"
	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/search"
)

// What was said is found, whether or not it is indexed yet.
func TestFoundBeforeAndAfterIndexing(t *testing.T) {
	w := newWorld(t)
	one := w.say(w.ada, "", "Where do ospreys nest?", "On poles near the water.")
	two := w.say(w.ada, one.chat, "And herons?", "Herons nest in colonies. "+filler(enough))
	check := func(when string) {
		t.Helper()
		t.Log(when)
		w.want(w.ada, "nesting", one.question, two.reply)
		w.want(w.ada, "herons colonies", two.question, two.reply) // few have both words, so one will do
		w.want(w.ada, `"herons nest"`, two.reply)
		w.want(w.ada, `"on poles"`, one.reply)
		w.want(w.ada, "heron -colonies", two.question)
		w.want(w.ada, "osprey", one.question)
	}
	check("before")
	w.pass(lag + time.Minute)
	if done := w.run(search.Job{User: w.ada}); done.Docs != 5 {
		t.Errorf("indexed %+v, want 4 messages and a title", done)
	}
	check("after")
	three := w.say(w.ada, one.chat, "Do storks nest, too?", "Yes.")
	w.want(w.ada, "nesting", one.question, two.reply, three.question)
}

// TestAnAnswerOfASecondAgoIsFound, also where the clock that has made its id is ahead.
func TestAnAnswerOfASecondAgoIsFound(t *testing.T) {
	w := newWorld(t)
	w.pass(30 * time.Second)
	r := w.say(w.ada, "", "How are bees?", "Busy.")
	w.pass(-30 * time.Second)
	w.want(w.ada, "busy", r.reply)
}

// The watermark stays before a reply that runs, and moves on when it has ended.
func TestAReplyThatRunsHoldsTheWatermark(t *testing.T) {
	w := newWorld(t)
	w.say(w.ada, "", "Hello?", filler(enough))
	slow := w.ask(w.ada, "", "What takes long?")
	p := chat.Prompt{Version: chat.PromptVersion, User: w.ada, Chat: slow.chat, Question: slow.question, Reply: slow.reply, Hour: "H", Deadline: time.Now().Add(time.Hour)}
	if _, err := w.chats.Claim(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	later := w.say(w.ada, "", "What is next?", filler(enough))
	w.pass(lag + time.Hour)
	w.run(search.Job{User: w.ada})
	if m := w.manifest(w.ada); m.Upto >= slow.question || len(m.Segments) != 1 {
		t.Errorf("the watermark is %s, with %d segments, while %s runs", m.Upto, len(m.Segments), slow.reply)
	}
	w.answer(w.ada, slow, "Patience takes long.")
	w.want(w.ada, "patience", slow.reply)
	w.pass(time.Hour)
	w.run(search.Job{User: w.ada})
	if m := w.manifest(w.ada); m.Upto < later.reply {
		t.Errorf("the watermark is %s, want one past %s", m.Upto, later.reply)
	}
	w.want(w.ada, "patience", slow.reply)
	w.want(w.ada, "next", later.question)
}

// A send that died may be tried again with its ids for as long as its key is good.
func TestASendThatIsTriedAgainIsFound(t *testing.T) {
	for name, died := range map[string]func(*world) turn{
		"before its prompt was queued": func(w *world) turn { return w.ask(w.ada, "", "What about crashes?") },
		"before its question was there": func(w *world) turn {
			r := w.ask(w.ada, "", "What about crashes?")
			w.remove(chat.Ref{User: w.ada, Chat: r.chat, Message: r.question})
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.say(w.ada, "", "Hello?", filler(enough))
			r := died(w)
			w.say(w.ada, "", "Hello again?", filler(enough))
			w.pass(23 * time.Hour)
			w.run(search.Job{User: w.ada})
			s := chat.Sending{User: w.ada, Chat: r.chat, Reply: r.reply, Again: true, At: w.now(),
				Question: chat.Message{ID: r.question, Role: chat.User, Text: "What about crashes?", Deadline: w.now().Add(time.Hour), Hour: "H"}}
			if _, err := w.chats.Ask(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			w.answer(w.ada, r, "They are survived.")
			w.want(w.ada, "crashes", r.question)
			w.want(w.ada, "survived", r.reply)
			w.pass(25 * time.Hour)
			w.run(search.Job{User: w.ada})
			w.want(w.ada, "survived", r.reply)
		})
	}
}

// A chat goes by its newest title, from the moment on when it gets it.
func TestRenamed(t *testing.T) {
	w := newWorld(t)
	r := w.say(w.ada, "", "Tell me of rivers and lakes", filler(enough))
	w.pass(lag + time.Minute)
	w.run(search.Job{User: w.ada})
	w.to(time.Now()) // the table has a clock of its own
	for _, name := range []string{"Volga delta rivers", "Danube delta rivers"} {
		if _, err := w.chats.Change(t.Context(), w.ada, r.chat, chat.Changes{Title: &name}); err != nil {
			t.Fatal(err)
		}
		w.pass(2 * time.Minute)
	}
	check := func(when string) {
		t.Helper()
		t.Log(when)
		w.want(w.ada, "volga")
		for _, query := range []string{"danube", "delta", "rivers -lakes"} {
			p := w.find(w.ada, query)
			if len(p.Hits) != 1 || p.Hits[0].In != "title" || p.Hits[0].Message != r.question || p.Hits[0].Title != "Danube delta rivers" {
				t.Errorf("%q finds %+v", query, p.Hits)
			}
		}
	}
	check("when the title isn't indexed")
	w.say(w.ada, "", "Hello?", filler(enough))
	w.pass(lag + time.Minute)
	w.run(search.Job{User: w.ada})
	check("when it is")
}

// A deleted chat is gone at once, and its words with the next merge.
func TestDeleted(t *testing.T) {
	w := newWorld(t)
	doomed := w.say(w.ada, "", "Where is the zzyzx road?", "In the desert. "+filler(enough))
	for range 3 {
		w.pass(lag + time.Minute)
		w.run(search.Job{User: w.ada})
		w.say(w.ada, "", "Hello?", filler(enough))
	}
	w.want(w.ada, "zzyzx desert", doomed.question, doomed.reply)
	if err := w.chats.DeleteChat(t.Context(), w.ada, doomed.chat); err != nil {
		t.Fatal(err)
	}
	if p := w.find(w.ada, "zzyzx desert"); len(p.Hits) != 0 {
		t.Errorf("found when deleted: %+v", p.Hits)
	}
	w.pass(lag + time.Minute)
	if done := w.run(search.Job{User: w.ada}); done.Merged != 4 {
		t.Fatalf("the run did %+v", done)
	}
	w.to(time.Now().Add(2 * time.Hour)) // the bucket has a clock of its own
	w.say(w.ada, "", "Hello?", "Hello.")
	w.pass(lag + time.Minute)
	w.run(search.Job{User: w.ada})
	m := w.manifest(w.ada)
	if names := w.kept(w.ada); len(names) != 1 || len(m.Segments) != 1 || names[0] != m.Segments[0].Name {
		t.Fatalf("kept are %q, named %+v", names, m.Segments)
	}
	index, release, err := w.shelf.Open(t.Context(), w.ada, m.Segments[0])
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	for _, word := range []string{"zzyzx", "desert"} {
		if list, err := index.Find(word); list != nil || err != nil {
			t.Errorf("%q is still in a segment, %v", word, err)
		}
	}
}

// A first page isn't empty for a long chat that was deleted.
func TestADeletedChatDoesNotFillPages(t *testing.T) {
	w := newWorld(t)
	long := w.say(w.ada, "", "quokka quokka quokka", "quokka quokka")
	for range 60 {
		w.say(w.ada, long.chat, "quokka quokka quokka", "quokka quokka")
	}
	w.pass(time.Minute)
	stays := w.say(w.ada, "", "What is a quokka, and in which places does it live these days?", filler(enough))
	w.pass(lag + time.Minute)
	w.run(search.Job{User: w.ada})
	if err := w.chats.DeleteChat(t.Context(), w.ada, long.chat); err != nil {
		t.Fatal(err)
	}
	p := w.find(w.ada, "quokka", func(r *search.Request) { r.Limit = 10 })
	if len(p.Hits) != 1 || p.Hits[0].Message != stays.question || p.Next != "" || p.Total != 2 { // the message, and the title
		t.Errorf("found %+v of %d, next %q", p.Hits, p.Total, p.Next)
	}
}

// Nor is it for many chats that were.
func TestManyDeletedChatsDoNotFillPages(t *testing.T) {
	w := newWorld(t)
	stays := w.say(w.ada, "", "What is a quokka, and in which places does it live these days?", filler(enough))
	var chats []string
	for range 60 {
		chats = append(chats, w.ask(w.ada, "", "quokka quokka quokka").chat)
	}
	w.pass(lag + 25*time.Hour)
	w.run(search.Job{User: w.ada})
	for _, c := range chats {
		if err := w.chats.DeleteChat(t.Context(), w.ada, c); err != nil {
			t.Fatal(err)
		}
	}
	p := w.find(w.ada, "quokka", func(r *search.Request) { r.Limit = 5 })
	if len(p.Hits) != 1 || p.Hits[0].Message != stays.question || p.Next != "" {
		t.Errorf("found %+v, next %q", p.Hits, p.Next)
	}
}

// Names and texts of files are searched for the messages that have them.
func TestFiles(t *testing.T) {
	w := newWorld(t)
	one, two, gone := id.New(w.now()), id.New(w.now()), id.New(w.now())
	w.texts[one] = []search.Piece{{Page: 1, Text: "Of tides."}, {Page: 2, Text: "The zebrafish is striped. Zebrafish swim."}}
	w.texts[two] = []search.Piece{{Text: "A zebrafish, once."}}
	w.texts[gone] = []search.Piece{{Text: "A heirloom of pewter."}}
	attach := func(f, name string) file.Attachment {
		return file.Attachment{ID: f, Name: name, Kind: file.Text, ContentType: "text/plain", Size: 1}
	}
	r := w.say(w.ada, "", "What is in these about zebrafish?", filler(enough), attach(one, "aquarium.txt"), attach(two, "pond.txt"))
	lost := w.say(w.ada, r.chat, "And in this?", "Nothing.", attach(gone, "attic.txt"))
	check := func(when string) {
		t.Helper()
		t.Log(when)
		w.want(w.ada, "aquarium", r.question)
		w.want(w.ada, "pewter", lost.question)
		p := w.find(w.ada, "striped zebrafish")
		if len(p.Hits) != 1 || p.Hits[0].Message != r.question || p.Hits[0].In != "file" || p.Hits[0].File.ID != one || p.Hits[0].File.Page != 2 {
			t.Errorf("found %+v", p.Hits)
		}
		if p := w.find(w.ada, "zebrafish", func(q *search.Request) { q.Filter.HasFile = true }); len(found(p)) == 0 {
			t.Error("a message with a file isn't found as one")
		}
		if p := w.find(w.ada, "nothing", func(q *search.Request) { q.Filter.HasFile = true }); len(p.Hits) != 0 {
			t.Errorf("with a file: %+v", p.Hits)
		}
	}
	check("before")
	w.pass(lag + time.Minute)
	w.run(search.Job{User: w.ada})
	check("after")
	delete(w.texts, gone)
	w.want(w.ada, "pewter")
	w.want(w.ada, "attic", lost.question)
}

// Every filter narrows the same down in the rest and in segments.
func TestFiltersOfARealHistory(t *testing.T) {
	w := newWorld(t)
	one := w.say(w.ada, "", "red kite", "red kites soar "+filler(enough))
	w.pass(24 * time.Hour)
	middle := w.now()
	w.pass(time.Hour)
	two := w.say(w.ada, "", "a red fox", "red foxes run")
	theirs := w.say(w.bob, "", "a red hat", "red hats fit")
	check := func(when string) {
		t.Helper()
		for name, c := range map[string]struct {
			filter search.Filter
			want   []string
		}{
			"of a chat":              {search.Filter{Chat: one.chat, Role: chat.Assistant}, []string{one.reply}},
			"of somebody else's":     {search.Filter{Chat: theirs.chat}, nil},
			"of one that isn't":      {search.Filter{Chat: id.New(w.now())}, nil},
			"of a role":              {search.Filter{Role: chat.Assistant}, []string{one.reply, two.reply}},
			"from a time":            {search.Filter{From: middle, Role: chat.Assistant}, []string{two.reply}},
			"up to one":              {search.Filter{To: middle, Role: chat.Assistant}, []string{one.reply}},
			"from after all":         {search.Filter{From: w.now().Add(time.Hour)}, nil},
			"with a file":            {search.Filter{HasFile: true}, nil},
			"up to before all":       {search.Filter{To: time.Unix(0, 0)}, nil},
			"from before all, by it": {search.Filter{From: time.Unix(0, 0), Role: chat.Assistant}, []string{one.reply, two.reply}},
		} {
			p := w.find(w.ada, "red", func(r *search.Request) { r.Filter = c.filter })
			if got := found(p); len(got) != len(c.want) || len(got) > 0 && (got[0] != c.want[0] || got[len(got)-1] != c.want[len(c.want)-1]) {
				t.Errorf("%s, %s: %q, want %q", when, name, got, c.want)
			}
		}
	}
	check("before")
	w.pass(lag + time.Minute)
	w.run(search.Job{User: w.ada})
	check("after")
}
