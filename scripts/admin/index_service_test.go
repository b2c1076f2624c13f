//go:build service

package main

import (
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
