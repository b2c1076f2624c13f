//go:build service

package search_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/chat"
	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/object/objecttest"
	"parley/shared/search"
	"parley/shared/shelf"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

const lag = 10 * time.Minute

// world is search and index-history over a real table and a real bucket, with a clock
// that tests move.
type world struct {
	*search.Searcher
	t       *testing.T
	db      *dynamodb.Client
	table   string
	chats   *store.Chats
	bucket  string
	s3      *s3.Client // past the watch
	shelf   *shelf.Shelf
	indexer *search.Indexer
	texts   texts
	ada     string // users
	bob     string

	mu     sync.Mutex
	at     time.Time
	jobs   []search.Job
	opened []string // keys of the objects that were asked for
	away   bool     // the bucket of segments is
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, at: time.Now().Add(-48 * time.Hour).Truncate(time.Millisecond), texts: texts{}}
	w.s3, w.bucket = objecttest.Bucket(t)
	w.db, _, w.table = storetest.Tables(t)
	w.chats = store.NewChats(w.db, w.s3, w.table, w.bucket)
	w.shelf = w.machine()
	w.indexer = &search.Indexer{Ledger: w.chats, Shelf: w.shelf, Texts: w.texts, Lag: lag, Now: w.now}
	w.Searcher = &search.Searcher{Archive: w.chats, Reader: w.chats, Segments: w.shelf, Texts: w.texts, Jobs: w, Now: w.now,
		Failed: func(what string, err error) { t.Logf("searched without %s: %v", what, err) }}
	w.ada, w.bob = id.New(w.at), id.New(w.at)
	return w
}

// machine returns a shelf with nothing on its disk.
func (w *world) machine() *shelf.Shelf {
	w.t.Helper()
	watched := s3.New(w.s3.Options(), func(o *s3.Options) {
		o.HTTPClient = &http.Client{Transport: w}
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) { r.MaxBackoff = 50 * time.Millisecond })
	})
	s, err := shelf.New(watched, w.bucket, w.t.TempDir(), 100<<20)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

func (w *world) to(at time.Time) { w.pass(at.Sub(w.now())) }

// Index takes the place of the queue.
func (w *world) Index(_ context.Context, j search.Job) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.jobs = append(w.jobs, j)
	return nil
}

// queued returns the jobs that were asked for since the last call.
func (w *world) queued() []search.Job {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.jobs
	w.jobs = nil
	return list
}

// RoundTrip watches what is asked of S3.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	if key, ok := strings.CutPrefix(r.URL.Path, "/"+w.bucket+"/"); ok {
		w.mu.Lock()
		w.opened = append(w.opened, key)
		away := w.away
		w.mu.Unlock()
		if away {
			return nil, errors.New("nobody listens")
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

// watched returns the keys that were asked for since the last call.
func (w *world) watched() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.opened
	w.opened = nil
	return list
}

// texts are files' texts by the files' ids.
type texts map[string][]search.Piece

// Texts implements search.Texts.
func (t texts) Texts(_ context.Context, _ string, files []string) (map[string][]search.Piece, error) {
	found := map[string][]search.Piece{}
	for _, f := range files {
		found[f] = t[f]
	}
	return found, nil
}

// turn is a question with its answer.
type turn struct{ chat, question, reply string }

// ask writes a question of a user, in a new chat if none is named. Its reply runs.
func (w *world) ask(user, chatID, text string, files ...file.Attachment) turn {
	w.t.Helper()
	now := w.now()
	s := chat.Sending{User: user, Chat: chatID, Title: title(text), Limit: 1 << 30, At: now,
		Question: chat.Message{ID: id.New(now), Role: chat.User, Text: text, Attachments: files, Deadline: now.Add(2 * time.Minute), Hour: "H"}}
	if s.NewChat = chatID == ""; s.NewChat {
		s.Chat = id.New(now)
	}
	s.Reply = chat.ReplyOf(s.Question.ID)
	refusal, err := w.chats.Accept(w.t.Context(), s)
	if err == nil && refusal == (chat.Refusal{}) {
		_, err = w.chats.Ask(w.t.Context(), s)
	}
	if err != nil || refusal != (chat.Refusal{}) {
		w.t.Fatalf("ask: %+v, %v", refusal, err)
	}
	w.pass(2 * time.Millisecond)
	return turn{s.Chat, s.Question.ID, s.Reply}
}

func title(text string) string {
	runes := []rune(text)
	return string(runes[:min(len(runes), 60)])
}

// answer ends a turn's reply with that text.
func (w *world) answer(user string, r turn, text string) {
	w.t.Helper()
	p := chat.Prompt{Version: chat.PromptVersion, User: user, Chat: r.chat, Question: r.question, Reply: r.reply, Hour: "H", Deadline: time.Now().Add(time.Hour)}
	m, err := w.chats.Claim(w.t.Context(), p)
	if err == nil {
		err = w.chats.Commit(w.t.Context(), p.Ref(), m.Attempt, chat.Result{Status: chat.Done, Text: text, Finish: "stop"})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// say has a user ask and gives the answer.
func (w *world) say(user, chatID, question, answer string, files ...file.Attachment) turn {
	w.t.Helper()
	r := w.ask(user, chatID, question, files...)
	w.answer(user, r, answer)
	return r
}

// remove takes a message's row away.
func (w *world) remove(ref chat.Ref) {
	w.t.Helper()
	key := map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "U#" + ref.User},
		"SK": &types.AttributeValueMemberS{Value: "M#" + ref.Chat + "#" + ref.Message}}
	if _, err := w.db.DeleteItem(w.t.Context(), &dynamodb.DeleteItemInput{TableName: &w.table, Key: key}); err != nil {
		w.t.Fatal(err)
	}
}

// run brings a user's index up to the present, Lag ago.
func (w *world) run(j search.Job) search.Done {
	w.t.Helper()
	done, err := w.indexer.Run(w.t.Context(), j)
	if err != nil {
		w.t.Fatal(err)
	}
	return done
}

// find searches and expects that all could be.
func (w *world) find(user, query string, change ...func(*search.Request)) search.Page {
	w.t.Helper()
	page := w.look(user, query, change...)
	if page.Partial {
		w.t.Errorf("%q: only a part was searched", query)
	}
	return page
}

// look searches.
func (w *world) look(user, query string, change ...func(*search.Request)) search.Page {
	w.t.Helper()
	r := search.Request{User: user, Query: query, Limit: search.MaxPage}
	for _, c := range change {
		c(&r)
	}
	page, err := w.Search(w.t.Context(), r)
	if err != nil {
		w.t.Fatalf("search for %q: %v", query, err)
	}
	return page
}

// want searches and expects these messages, in any order.
func (w *world) want(user, query string, messages ...string) {
	w.t.Helper()
	if got := found(w.find(user, query)); !slices.Equal(got, slices.Sorted(slices.Values(messages))) {
		w.t.Errorf("%q finds %q, want %q", query, got, messages)
	}
}

func found(p search.Page) (messages []string) {
	for _, h := range p.Hits {
		messages = append(messages, h.Message)
	}
	slices.Sort(messages)
	return messages
}

// manifest is what is indexed of a user.
func (w *world) manifest(user string) search.Manifest {
	w.t.Helper()
	body, times, err := w.chats.Indexed(w.t.Context(), user)
	if err != nil || body == nil {
		w.t.Fatalf("manifest: %v", err)
	}
	m, err := search.DecodeManifest(body)
	if err != nil {
		w.t.Fatal(err)
	}
	m.Times = times
	return m
}

// kept are the names of a user's objects.
func (w *world) kept(user string) (names []string) {
	w.t.Helper()
	prefix := "segments/" + user + "/"
	out, err := w.s3.ListObjectsV2(w.t.Context(), &s3.ListObjectsV2Input{Bucket: &w.bucket, Prefix: &prefix})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, o := range out.Contents {
		names = append(names, strings.TrimPrefix(*o.Key, prefix))
	}
	return names
}

// filler is a text of about that many bytes that has none of the words that tests look
// for: enough for a segment.
func filler(size int) string {
	var b strings.Builder
	for b.Len() < size {
		fmt.Fprintf(&b, "w%x ", rand.Uint32())
	}
	return b.String()
}

const enough = 80 << 10 // bytes that are worth a segment
