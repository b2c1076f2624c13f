//go:build service

package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/id"
	"parley/shared/queue"
	"parley/shared/search"
)

func TestIndexIsQueuedAndWrittenDown(t *testing.T) {
	b := newBench(t)
	w, q := deadQueue(t)
	b.indexes = queue.NewIndexes(q.sqs, "indexes")
	b.must(t, index, b.user.Email)
	b.anew = true
	b.must(t, index, b.user.ID)
	var got []queue.IndexJob
	for _, body := range w.queues["indexes"] {
		j, err := queue.DecodeIndex(body)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, j)
	}
	if d := cmp.Diff([]queue.IndexJob{{User: b.user.ID}, {User: b.user.ID, Anew: true}}, got); d != "" {
		t.Error(d)
	}
	b.checkAudit(t, "index the history", "index the history anew")
}

func TestUserShowTellsWhatIsIndexed(t *testing.T) {
	b := newBench(t)
	if got := b.shown(t).Indexed; got != (indexView{}) {
		t.Errorf("of nothing: %+v", got)
	}
	upto := id.New(time.Now())
	m := search.Manifest{Upto: upto, Build: &search.Build{Upto: upto},
		Segments: []search.Segment{{Name: aSHA, Bytes: 7, Docs: 2, First: upto, Last: upto}, {Name: aSHA, Bytes: 5, Docs: 1, First: upto, Last: upto}}}
	body, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for times, manifest := range [][]byte{body, []byte("nonsense")} {
		if ok, err := b.chats.SetIndexed(t.Context(), b.user.ID, manifest, times); err != nil || !ok {
			t.Fatal(ok, err)
		}
		got := b.shown(t).Indexed
		if times == 0 && got != (indexView{Upto: upto, Segments: 2, Bytes: 12, Docs: 3, Building: true}) || times == 1 && got.Fault == "" {
			t.Errorf("%s is shown as %+v", manifest, got)
		}
		b.must(t, showUser, b.user.ID)
	}
}

// Everybody's history is queued once, and what was stopped goes on behind the last.
func TestIndexAllGoesOnWhereItWasStopped(t *testing.T) {
	b := newBench(t)
	w, q := deadQueue(t)
	b.indexes, b.rate, b.yes = queue.NewIndexes(q.sqs, "indexes"), 1000, true
	want := map[string]bool{}
	for range 20 {
		user := id.New(time.Now())
		want[user] = true
		for n := range 2 { // rows of a user: one is asked for all the same
			if err := b.chats.Block(t.Context(), user, true, fmt.Sprint(n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.must(t, indexAll)
	all := w.users(t)
	if len(all) != len(want) {
		t.Errorf("%d jobs for %d users", len(all), len(want))
	}
	for _, user := range all {
		delete(want, user)
	}
	if len(want) > 0 {
		t.Errorf("nobody asked for %v", want)
	}
	w.queues["indexes"] = nil
	b.after = all[11]
	b.must(t, indexAll)
	if d := cmp.Diff(all[12:], w.users(t)); d != "" {
		t.Error(d)
	}
	b.after = "nobody"
	if _, err := b.do(t, indexAll); err == nil {
		t.Error("anything goes for --after")
	}
}

// users are those whose indexing anew was queued.
func (w *wire) users(t *testing.T) (list []string) {
	t.Helper()
	for _, body := range w.queues["indexes"] {
		j, err := queue.DecodeIndex(body)
		if err != nil || !j.Anew {
			t.Fatal(j, err)
		}
		list = append(list, j.User)
	}
	return list
}
