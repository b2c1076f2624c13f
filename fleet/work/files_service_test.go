//go:build service

package work_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/fleet/frame"
	"parley/fleet/work"
	"parley/shared/chat"
	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/model"
	"parley/shared/passage"
	"parley/shared/quota"
)

var update = flag.Bool("update", false, "write testdata anew")

// reading is a stack whose model sees, at an engine that notes what it is asked.
type reading struct {
	*fleettest.Stack
	engine *enginetest.Engine
	stop   func() // ends the worker
}

func newReading(t *testing.T, set func(*work.Parts)) *reading {
	t.Helper()
	r := &reading{Stack: fleettest.New(t), engine: enginetest.New(t)}
	r.engine.Say = "An answer."
	models, err := model.Parse(`[{"name":"eyes","vision":true}]`)
	if err != nil {
		t.Fatal(err)
	}
	r.Sender.Models = models
	p := r.Parts(r.engine.URL)
	p.System, p.Sees = "Be brief.", func(name string) bool { return name == "eyes" }
	if set != nil {
		set(&p)
	}
	r.stop = r.Work(p)
	return r
}

// ask sends a question with files, waits for the reply and returns its request.
func (r *reading) ask(q chat.Question) (chat.Ref, enginetest.Request) {
	r.T.Helper()
	q.Model = "eyes"
	return r.await(r.Send(q))
}

func (r *reading) await(ref chat.Ref) (chat.Ref, enginetest.Request) {
	r.T.Helper()
	fleettest.Await(r.T, 20*time.Second, "the reply ends", func() bool {
		m, err := r.Chats.Message(r.T.Context(), ref)
		return err == nil && m.Status.Ended()
	})
	if m, err := r.Chats.Message(r.T.Context(), ref); err != nil || m.Status != chat.Done {
		r.T.Fatalf("%+v, %v", m, err)
	}
	all := r.engine.Requests()
	return ref, all[len(all)-1]
}

// golden compares what the engine was asked with a file, but for what is another
// each time: the salt of the cache, and the marks, which come from the files' ids.
func golden(t *testing.T, name string, req enginetest.Request) {
	t.Helper()
	body := jsontext.Value(req.Body)
	if err := errors.Join(body.Canonicalize(), body.Indent(jsontext.WithIndent("  "))); err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(string(body), req.CacheSalt, "SALT") + "\n"
	for i, mark := range marksOf(got) {
		got = strings.ReplaceAll(got, mark, fmt.Sprintf("file-%012d", i+1))
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Error(d)
	}
}

// marksOf returns the marks around files in the order in which they begin.
func marksOf(request string) (all []string) {
	for _, part := range strings.Split(request, "<file-")[1:] {
		if len(part) > 12 && strings.HasPrefix(part[12:], " name=") {
			all = append(all, "file-"+part[:12])
		}
	}
	return all
}

func page(n int, text string) passage.Page { return passage.Page{Number: n, Text: text} }

func TestTheRequestForAnImage(t *testing.T) {
	r := newReading(t, nil)
	cat := r.Image(r.User, "cat.png", []byte("the bytes of a small picture"))
	_, req := r.ask(chat.Question{Text: "What is this?", Attachments: []string{cat}})
	golden(t, "image.json", req)
}

// The whole text at first; with a second document, which is too long, passages of both.
func TestTheRequestForDocuments(t *testing.T) {
	r := newReading(t, func(p *work.Parts) { p.Context = 1200 })
	short := r.Document(r.User, "menu.pdf", page(1, "Soup of the day: pumpkin.\nWith bread."), page(2, "Dessert: plum cake."))
	first, req := r.ask(chat.Question{Text: "What soup is there?", Attachments: []string{short}})
	golden(t, "whole.json", req)
	var pages []passage.Page
	for i := range 12 {
		pages = append(pages, page(i+1, fmt.Sprintf("Rule %d. %s", i+1, strings.Repeat("Guests keep quiet and pay in time. ", 25))))
	}
	pages[7].Text += "The kitchen closes at ten."
	long := r.Document(r.User, "rules.pdf", pages...)
	_, req = r.ask(chat.Question{Chat: first.Chat, Text: "When does the kitchen close?", Attachments: []string{long}})
	golden(t, "passages.json", req)
}

// What was sent before stays there: in later turns, other replies and edits, but not
// in an edit of the question that brought it.
func TestFilesStayInTheirBranch(t *testing.T) {
	r := newReading(t, nil)
	doc := r.Document(r.User, "a.txt", page(1, "The password is swordfish."))
	other := r.Document(r.User, "b.txt", page(1, "The key is under the mat."))
	first, req := r.ask(chat.Question{Text: "one", Attachments: []string{doc}})
	has := func(what string, req enginetest.Request, swordfish, mat bool) {
		t.Helper()
		body := string(req.Body)
		if strings.Contains(body, "swordfish") != swordfish || strings.Contains(body, "under the mat") != mat {
			t.Errorf("%s: %s", what, body)
		}
	}
	has("at first", req, true, false)
	_, req = r.ask(chat.Question{Chat: first.Chat, Text: "two"})
	has("later", req, true, false)
	_, req = r.ask(chat.Question{Chat: first.Chat, Parent: first.Message, Text: "two, edited", Attachments: []string{other}})
	has("an edit that brings another", req, true, true)
	_, req = r.ask(chat.Question{Chat: first.Chat, Parent: first.Chat, Text: "one, edited"})
	has("an edit of the first question", req, false, false)
	again, err := r.Sender.Regenerate(t.Context(), r.User, quota.Free, quota.Of(quota.Free, quota.Limits{MessagesPerHour: 1000}), first.Chat, first.Message, "")
	if err != nil {
		t.Fatal(err)
	}
	_, req = r.await(chat.Ref{User: r.User, Chat: again.Chat, Message: again.Reply})
	has("another reply to the first question", req, true, false)
	if r.Shelf.Reads() != 2 {
		t.Errorf("%d reads of two texts", r.Shelf.Reads())
	}
}

// A document stays there when the chat has grown beyond what the model can read of it.
func TestFilesOutlastTheContext(t *testing.T) {
	r := newReading(t, func(p *work.Parts) { p.Context = 1000 })
	doc := r.Document(r.User, "a.pdf", page(1, "The password is swordfish."))
	ref, _ := r.ask(chat.Question{Text: "one", Attachments: []string{doc}})
	for i := range 4 {
		_, req := r.ask(chat.Question{Chat: ref.Chat, Text: fmt.Sprint("question ", i, strings.Repeat(" and so on", 150))})
		body := string(req.Body)
		if n := strings.Count(body, "[a.pdf, page 1]\\nThe password is swordfish."); n != 1 || i > 1 && strings.Contains(body, "question 0") {
			t.Errorf("question %d: the text is there %d times in %.300s", i, n, body)
		}
	}
	if err := r.Files.Remove(t.Context(), r.tomb(doc)); err != nil {
		t.Fatal(err)
	}
	if _, req := r.ask(chat.Question{Chat: ref.Chat, Text: "and now?"}); strings.Contains(string(req.Body), "swordfish") {
		t.Error("the text of a deleted file is there")
	}
}

func (r *reading) tomb(id string) file.File {
	f, err := r.Files.Delete(r.T.Context(), r.User, id)
	if err != nil {
		r.T.Fatal(err)
	}
	return f
}

// A deleted file is named as such, and its text is not told any more.
func TestADeletedFileIsNamed(t *testing.T) {
	r := newReading(t, nil)
	doc := r.Document(r.User, "a.txt", page(1, "The password is swordfish."))
	first, _ := r.ask(chat.Question{Text: "one", Attachments: []string{doc}})
	if _, err := r.Files.Delete(t.Context(), r.User, doc); err != nil {
		t.Fatal(err)
	}
	_, req := r.ask(chat.Question{Chat: first.Chat, Text: "two"})
	if body := string(req.Body); strings.Contains(body, "swordfish") || !strings.Contains(body, "[file “a.txt” was deleted]") {
		t.Error(body)
	}
}

// Storage that is away delays an answer; it never takes the file out of it.
func TestAnAnswerWaitsForItsFile(t *testing.T) {
	r := newReading(t, nil)
	doc := r.Document(r.User, "a.txt", page(1, "The password is swordfish."))
	r.Shelf.Fail(true)
	ref := r.Send(chat.Question{Text: "one", Model: "eyes", Attachments: []string{doc}})
	plain := r.Send(chat.Question{Text: "without any", Model: "eyes"})
	r.await(plain)
	until(t, "the prompt is handed back", func() bool {
		m, err := r.Chats.Message(t.Context(), ref)
		return err == nil && m.HandedBack > 0
	})
	if n := len(r.engine.Requests()); n != 1 {
		t.Errorf("the engine was asked %d times", n)
	}
	r.Shelf.Fail(false)
	_, req := r.await(ref)
	if m := row(t, r.Stack, ref); !strings.Contains(string(req.Body), "swordfish") || m.Failures() != 1 {
		t.Errorf("%+v after %s", m, req.Body)
	}
}

// A row that names another's file, however it came there, brings nothing of it.
func TestAnothersFileIsNotRead(t *testing.T) {
	r := newReading(t, nil)
	stranger := id.New(time.Now())
	theirs := r.Document(stranger, "a.txt", page(1, "The password is swordfish."))
	ref := r.Send(chat.Question{Text: "one", Model: "eyes"})
	r.await(ref)
	question := chat.Message{ID: chat.QuestionOf(ref.Message), Text: "one", Deadline: time.Now(), Hour: "-",
		Attachments: []file.Attachment{{ID: theirs, Name: "a.txt", Kind: file.Text}}}
	if _, err := r.Chats.Ask(t.Context(), chat.Sending{User: r.User, Chat: ref.Chat, Question: question}); err != nil {
		t.Fatal(err)
	}
	_, req := r.ask(chat.Question{Chat: ref.Chat, Text: "two"})
	body := string(req.Body)
	if strings.Contains(body, "swordfish") || !strings.Contains(body, "was deleted") || r.Shelf.Reads() > 0 {
		t.Error(body)
	}
}

// A new worker goes on with an answer under the very prompt of the one before, whole
// texts, passages and pictures alike.
func TestAnAnswerGoesOnUnderTheSamePrompt(t *testing.T) {
	for name, tokens := range map[string]int{"whole": 16_000, "passages": 3000} {
		t.Run(name, func(t *testing.T) { goesOn(t, tokens, name == "passages") })
	}
}

func goesOn(t *testing.T, tokens int, parts bool) {
	var p work.Parts
	r := newReading(t, func(all *work.Parts) {
		all.Context, all.Grace = tokens, time.Millisecond
		p = *all
	})
	r.engine.Change(func(e *enginetest.Engine) { e.Say, e.Words, e.Pace = "", 60, 20*time.Millisecond })
	var pages []passage.Page
	for i := range 20 {
		pages = append(pages, page(i+1, strings.Repeat(fmt.Sprintf("Sentence of page %d. ", i+1), 60)))
	}
	files := []string{r.Document(r.User, "a.pdf", pages...), r.Image(r.User, "a.png", []byte("a picture"))}
	ref := r.Send(chat.Question{Text: "What is on page 7?", Model: "eyes", Attachments: files})
	until(t, "some of the answer is there", func() bool {
		text, err := frame.NewLog(r.Valkey).Text(t.Context(), ref)
		return err == nil && len(text.String()) > 20
	})
	r.stop()
	r.Work(p)
	r.await(ref)
	all := r.engine.Requests()
	if len(all) != 2 {
		t.Fatalf("asked %d times", len(all))
	}
	first, second := all[0].Messages, all[1].Messages
	if len(second) != len(first)+1 || second[len(first)].Role != "assistant" || !bytes.Equal(head(all[0]), head(all[1])) {
		t.Errorf("%d bytes were sent at first, then %d, from which the answer went on", len(head(all[0])), len(head(all[1])))
	}
	if some := strings.Contains(first[1].Content, `shown="parts"`); some != parts || first[1].Images != 1 || !strings.Contains(first[1].Content, "[a.pdf, page 7]") {
		t.Errorf("%d images, %.300s", first[1].Images, first[1].Content)
	}
	if m := row(t, r.Stack, ref); m.Status != chat.Done || m.Attempt != 2 {
		t.Errorf("%+v", m)
	}
}

// head is a request up to the end of its question.
func head(r enginetest.Request) []byte {
	return r.Body[:bytes.Index(r.Body, []byte("What is on page 7?"))]
}
