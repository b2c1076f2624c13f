//go:build service

package search_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/search"
	"parley/shared/shelf"
)

// documents lists what a user's segments have, by message and kind, and fails the test
// for what they have twice.
func (w *world) documents(user string) map[search.Doc]bool {
	w.t.Helper()
	all := map[search.Doc]bool{}
	for _, g := range w.manifest(user).Segments {
		index, release, err := w.machine().Open(w.t.Context(), user, g)
		if err != nil {
			w.t.Fatal(err)
		}
		for n := range index.Docs() {
			d, err := index.Doc(n)
			if err != nil {
				w.t.Fatal(err)
			}
			if all[d] {
				w.t.Errorf("%+v is indexed twice", d)
			}
			all[d] = true
		}
		release()
	}
	return all
}

// wantIndexed expects these turns, each in a chat of its own, to be indexed once, and
// nothing else.
func (w *world) wantIndexed(user string, turns []turn) {
	w.t.Helper()
	all := w.documents(user)
	for _, r := range turns {
		for _, d := range []search.Doc{{Chat: r.chat, Message: r.question}, {Chat: r.chat, Message: r.reply}, {Chat: r.chat, Message: r.chat, Kind: search.Title}} {
			if !all[d] {
				w.t.Errorf("%+v isn't indexed", d)
			}
		}
	}
	if len(all) != 3*len(turns) {
		w.t.Errorf("%d documents are indexed, want %d", len(all), 3*len(turns))
	}
}

// talk makes chats of one turn each, with enough text for a segment of every so many.
func (w *world) talk(user string, n, size int) (turns []turn) {
	w.t.Helper()
	for i := range n {
		turns = append(turns, w.say(user, "", fmt.Sprintf("Question %d of chat %d", i, i), fmt.Sprintf("answer%d ", i)+filler(size)))
	}
	return turns
}

// short is the time of a run that has to stop after its first segment.
func short(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// A history too large for one run is indexed by several, and searched meanwhile.
func TestRunsGoOnWhereTheLastOneStopped(t *testing.T) {
	w := newWorld(t)
	w.indexer.Batch = 100 << 10
	turns := w.talk(w.ada, 9, 40<<10)
	w.pass(lag + time.Minute)
	runs := 0
	for again := true; again; runs++ {
		done, err := w.indexer.Run(short(t), search.Job{User: w.ada})
		if err != nil {
			t.Fatal(err)
		}
		again = done.Again
		if m := w.manifest(w.ada); again && (m.Build == nil || len(m.Segments) != 0 || m.Upto != "") {
			t.Errorf("after run %d the manifest is %+v", runs, m)
		}
		w.want(w.ada, "answer7", turns[7].reply)
	}
	if runs != 4 { // the last finds nothing left to read
		t.Errorf("%d runs", runs)
	}
	w.wantIndexed(w.ada, turns)
	before := w.manifest(w.ada)
	if done := w.run(search.Job{User: w.ada}); done != (search.Done{}) || w.manifest(w.ada).Times != before.Times {
		t.Errorf("a run with nothing to do did %+v", done)
	}
}

// A chat of any length is indexed in pieces, and again from its beginning where a run
// didn't come to its end.
func TestALongChatIsIndexedInPieces(t *testing.T) {
	w := newWorld(t)
	w.indexer.Batch = 100 << 10
	first := w.say(w.ada, "", "Where does it begin?", "Here.")
	for range 9 {
		w.say(w.ada, first.chat, "And then?", filler(60<<10))
	}
	last := w.say(w.ada, first.chat, "Where does it end?", "There.")
	w.pass(lag + time.Minute)
	w.indexer.Shelf = failing{w.shelf, 3}.shelf()
	if _, err := w.indexer.Run(t.Context(), search.Job{User: w.ada}); !errors.Is(err, errDied) {
		t.Fatalf("the run was to fail: %v", err)
	}
	w.want(w.ada, "begin", first.question)
	w.indexer.Shelf = w.shelf
	if done := w.run(search.Job{User: w.ada}); done.Docs != 23 {
		t.Errorf("did %+v", done)
	}
	if all := w.documents(w.ada); len(all) != 23 {
		t.Errorf("%d documents are indexed, want 22 messages and a title", len(all))
	}
	w.want(w.ada, "begin", first.question)
	w.want(w.ada, "end", last.question)
}

var errDied = errors.New("the machine has died")

// failing keeps so many segments and fails from then on.
type failing struct {
	*shelf.Shelf
	left int
}

func (f failing) shelf() search.Shelf { return &f }

// Add implements search.Shelf.
func (f *failing) Add(ctx context.Context, user string, docs []search.Document) (search.Segment, error) {
	if f.left--; f.left < 0 {
		return search.Segment{}, errDied
	}
	return f.Shelf.Add(ctx, user, docs)
}

// However often something is indexed, a user's segments stay few and lose nothing.
func TestSegmentsStayFew(t *testing.T) {
	w := newWorld(t)
	w.to(time.Now()) // the bucket has a clock of its own
	var turns []turn
	for i := range 30 {
		turns = append(turns, w.talk(w.ada, 1, 70<<10)...)
		w.pass(lag + time.Minute)
		w.run(search.Job{User: w.ada})
		if m := w.manifest(w.ada); len(m.Segments) > 9 {
			t.Errorf("%d segments after %d runs", len(m.Segments), i+1)
		}
	}
	w.wantIndexed(w.ada, turns)
	w.want(w.ada, "answer0", replies(turns)...)
	w.pass(2 * time.Hour)
	w.run(search.Job{User: w.ada})
	var named []string
	for _, g := range w.manifest(w.ada).Segments {
		named = append(named, g.Name)
	}
	if kept := w.kept(w.ada); !slices.Equal(kept, slices.Sorted(slices.Values(named))) {
		t.Errorf("kept are %q, named %q", kept, named)
	}
}

func replies(turns []turn) (ids []string) {
	for _, r := range turns {
		ids = append(ids, r.reply)
	}
	return ids
}

// Runs at once come in each other's way and harm nothing.
func TestRunsAtOnce(t *testing.T) {
	w := newWorld(t)
	w.indexer.Batch = 100 << 10
	var turns []turn
	for range 6 {
		turns = append(turns, w.talk(w.ada, 4, 40<<10)...)
		w.pass(lag + time.Minute)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if _, err := w.indexer.Run(t.Context(), search.Job{User: w.ada}); err != nil && !errors.Is(err, search.ErrOvertaken) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		w.run(search.Job{User: w.ada}) // as the queue does with what was overtaken
		w.wantIndexed(w.ada, turns)
	}
}

// While all is built anew, what was there is searched, and others don't start over.
func TestAnew(t *testing.T) {
	w := newWorld(t)
	w.indexer.Batch = 100 << 10
	turns := w.talk(w.ada, 6, 40<<10)
	w.pass(lag + time.Minute)
	w.run(search.Job{User: w.ada})
	if err := w.chats.DeleteChat(t.Context(), w.ada, turns[0].chat); err != nil {
		t.Fatal(err)
	}
	later := w.say(w.ada, "", "Is it late?", "Quite.")
	w.pass(lag + time.Minute)
	if done, err := w.indexer.Run(short(t), search.Job{User: w.ada, Anew: true}); err != nil || !done.Again {
		t.Fatalf("did %+v, %v", done, err)
	}
	began := w.manifest(w.ada).Build
	w.want(w.ada, "answer5", turns[5].reply)
	w.want(w.ada, "late", later.question)
	if done, err := w.indexer.Run(short(t), search.Job{User: w.ada, Anew: true}); err != nil || done.Docs >= 3*6 {
		t.Fatalf("did %+v, %v", done, err)
	}
	if m := w.manifest(w.ada); m.Build != nil && m.Build.Upto != began.Upto {
		t.Errorf("a second job started over: %+v", m.Build)
	}
	w.run(search.Job{User: w.ada})
	w.wantIndexed(w.ada, append(turns[1:], later))
}

// A sweep leaves what another run has made a moment ago, and takes what is left over.
func TestASweepLeavesWhatIsNew(t *testing.T) {
	w := newWorld(t)
	orphan := func() string {
		g, err := w.shelf.Add(t.Context(), w.ada, []search.Document{{Doc: search.Doc{Chat: w.ada, Message: w.ada}, Text: filler(100)}})
		if err != nil {
			t.Fatal(err)
		}
		return g.Name
	}
	left := orphan()
	for range 4 {
		w.talk(w.ada, 1, enough)
		w.pass(lag + time.Minute)
		w.run(search.Job{User: w.ada})
	}
	w.to(time.Now()) // the bucket has a clock of its own
	w.run(search.Job{User: w.ada})
	if !slices.Contains(w.kept(w.ada), left) {
		t.Error("a segment was removed that another run may be about to publish")
	}
	w.pass(2 * time.Hour)
	for range 9 { // more are merged, and what was replaced is swept with the next run
		w.talk(w.ada, 1, enough)
		w.pass(lag + time.Minute)
		w.run(search.Job{User: w.ada})
	}
	if kept := w.kept(w.ada); slices.Contains(kept, left) || len(kept) != len(w.manifest(w.ada).Segments) {
		t.Errorf("kept are %q", kept)
	}
}

// meanwhile lets something happen before or after a segment is kept.
type meanwhile struct {
	*shelf.Shelf
	before, after func()
}

// Add implements search.Shelf.
func (m *meanwhile) Add(ctx context.Context, user string, docs []search.Document) (search.Segment, error) {
	m.before()
	defer m.after()
	return m.Shelf.Add(ctx, user, docs)
}

// Nothing stays of a user who is purged while a run is at it, or before.
func TestNothingIsMadeForAPurgedUser(t *testing.T) {
	nothing := func() {}
	for name, c := range map[string]struct {
		indexed bool // something is, before
		when    func(w *world, purge func()) *meanwhile
	}{
		"before a segment is kept":               {false, func(w *world, purge func()) *meanwhile { return &meanwhile{w.shelf, purge, nothing} }},
		"before it is published":                 {false, func(w *world, purge func()) *meanwhile { return &meanwhile{w.shelf, nothing, purge} }},
		"before another one is kept":             {true, func(w *world, purge func()) *meanwhile { return &meanwhile{w.shelf, purge, nothing} }},
		"before another one is published":        {true, func(w *world, purge func()) *meanwhile { return &meanwhile{w.shelf, nothing, purge} }},
		"before a job for what couldn't be read": {true, func(w *world, purge func()) *meanwhile { purge(); return &meanwhile{w.shelf, nothing, nothing} }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.to(time.Now()) // the bucket has a clock of its own
			w.talk(w.ada, 1, enough)
			w.pass(lag + time.Minute)
			if c.indexed {
				w.run(search.Job{User: w.ada})
				w.talk(w.ada, 1, enough)
				w.pass(lag + time.Minute)
			}
			w.indexer.Shelf = c.when(w, func() {
				err := w.chats.Purge(context.Background(), w.ada, "")
				if err = errors.Join(err, shelf.Remover{S3: w.s3, Bucket: w.bucket}.RemoveAll(context.Background(), w.ada)); err != nil {
					t.Error(err)
				}
			})
			for _, j := range []search.Job{{User: w.ada}, {User: w.ada, Anew: true}, {User: w.ada, Broken: strings.Repeat("0a", 32)}} {
				if _, err := w.indexer.Run(t.Context(), j); err != nil && !errors.Is(err, search.ErrOvertaken) {
					t.Error(err)
				}
				if kept := w.kept(w.ada); len(kept) != 0 {
					t.Errorf("kept are %q", kept)
				}
				out, err := w.db.Query(t.Context(), &dynamodb.QueryInput{TableName: &w.table, KeyConditionExpression: aws.String("PK = :p"),
					ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: "U#" + w.ada}}})
				if err != nil || len(out.Items) != 0 {
					t.Errorf("rows %v, %v", out.Items, err)
				}
			}
		})
	}
}
