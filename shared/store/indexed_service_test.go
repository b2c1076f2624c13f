//go:build service

package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/quota"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

// One manifest replaces another only if that is the one that was read.
func TestOneManifestReplacesAnother(t *testing.T) {
	d := newDesk(t)
	read := func(manifest string, times int) {
		t.Helper()
		if m, n, err := d.chats.Indexed(t.Context(), d.user); string(m) != manifest || n != times || err != nil {
			t.Errorf("read %q, %d, %v; want %q, %d", m, n, err, manifest, times)
		}
	}
	read("", 0)
	for round := range 3 {
		var won atomic.Int32
		var winner atomic.Value
		var wg sync.WaitGroup
		for n := range 8 {
			wg.Go(func() {
				ok, err := d.chats.SetIndexed(t.Context(), d.user, fmt.Appendf(nil, "%d of %d", n, round), round)
				if err != nil {
					t.Error(err)
				}
				if ok {
					won.Add(1)
					winner.Store(fmt.Sprintf("%d of %d", n, round))
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d writers have won", won.Load())
		}
		read(winner.Load().(string), round+1)
	}
	for _, was := range []int{0, 2, 4} {
		for _, m := range [][]byte{nil, []byte("late")} {
			if ok, err := d.chats.SetIndexed(t.Context(), d.user, m, was); ok || err != nil {
				t.Errorf("in the place of number %d: %t, %v", was, ok, err)
			}
		}
	}
	if ok, err := d.chats.SetIndexed(t.Context(), d.user, nil, 3); !ok || err != nil {
		t.Errorf("none in the place of the last: %t, %v", ok, err)
	}
	read("", 0)
	if ok, err := d.chats.SetIndexed(t.Context(), d.user, []byte("first"), 0); !ok || err != nil {
		t.Errorf("after all a first: %t, %v", ok, err)
	}
	if m, _, err := d.chats.Indexed(t.Context(), id.New(time.Now())); m != nil || err != nil {
		t.Errorf("another user's: %q, %v", m, err)
	}
}

func (d *desk) active(t *testing.T, since string) (ids []string) {
	t.Helper()
	chats, err := d.chats.Active(t.Context(), d.user, since)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range chats {
		ids = append(ids, c.ID)
	}
	slices.Sort(ids)
	return ids
}

// Active are the chats that something was said in, and those that were renamed.
func TestActive(t *testing.T) {
	d := newDesk(t)
	d.now = time.Now().Add(-time.Hour)
	if got := d.active(t, ""); got != nil {
		t.Errorf("of nobody: %q", got)
	}
	var all []string
	for _, text := range []string{"one", "two", "three"} {
		r := d.mustAsk(t, chat.Question{Text: text})
		d.answer(t, r, "done")
		all = append(all, r.Chat)
		d.now = d.now.Add(time.Minute)
	}
	since := id.Floor(d.now)
	want := func(want ...string) {
		t.Helper()
		slices.Sort(want)
		if got := d.active(t, since); !slices.Equal(got, want) {
			t.Errorf("active are %q, want %q", got, want)
		}
	}
	want()
	if got := d.active(t, ""); !slices.Equal(got, all) {
		t.Errorf("all are %q, want %q", got, all)
	}
	d.now = d.now.Add(time.Second)
	d.answer(t, d.mustAsk(t, chat.Question{Chat: all[0], Text: "again"}), "done")
	want(all[0])
	pinned, name := true, "Another name"
	if _, err := d.chats.Change(t.Context(), d.user, all[1], chat.Changes{Pinned: &pinned, Archived: &pinned}); err != nil {
		t.Fatal(err)
	}
	want(all[0])
	if _, err := d.chats.Change(t.Context(), d.user, all[1], chat.Changes{Title: &name}); err != nil {
		t.Fatal(err)
	}
	want(all[0], all[1])
	r, err := d.Regenerate(t.Context(), d.user, quota.Free, quota.Of(quota.Free, quota.Limits{}), all[2], d.history(t, all[2])[1].ID, "")
	if err != nil {
		t.Fatal(err)
	}
	want(all...)
	d.answer(t, r, "done otherwise")
	if err := d.chats.DeleteChat(t.Context(), d.user, all[0]); err != nil {
		t.Fatal(err)
	}
	want(all[1], all[2])
}

// TestActiveAmongManyChats has more rows than one query reads, and what is active
// behind them.
func TestActiveAmongManyChats(t *testing.T) {
	db, _, table := storetest.Tables(t)
	d := deskOver(store.NewChats(db, nil, table, ""), table)
	const chats = 2000
	title := strings.Repeat("długi tytuł ", 60)
	var put []types.WriteRequest
	for n := range chats {
		one := id.Floor(time.UnixMilli(1_700_000_000_000 + int64(n)))
		put = append(put, types.WriteRequest{PutRequest: &types.PutRequest{Item: map[string]types.AttributeValue{
			"PK": &types.AttributeValueMemberS{Value: "U#" + d.user}, "SK": &types.AttributeValueMemberS{Value: "C#" + one},
			"v": &types.AttributeValueMemberN{Value: "1"}, "t": &types.AttributeValueMemberS{Value: title}, "la": &types.AttributeValueMemberS{Value: one}}}})
	}
	for some := range slices.Chunk(put, 25) {
		if _, err := db.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: some}}); err != nil {
			t.Fatal(err)
		}
	}
	last := d.mustAsk(t, chat.Question{Text: "the last"})
	if got := d.active(t, id.Floor(time.UnixMilli(1_700_000_000_000+chats))); !slices.Equal(got, []string{last.Chat}) {
		t.Errorf("active are %q", got)
	}
	if got := d.active(t, ""); len(got) != chats+1 {
		t.Errorf("%d chats in all", len(got))
	}
}

// between returns what Between brings of a chat, and in how many pieces.
func (d *desk) between(t *testing.T, chatID, after, upto string) (all []chat.Message, pieces int) {
	t.Helper()
	err := d.chats.Between(t.Context(), d.user, chatID, after, upto, func(some []chat.Message) error {
		all = append(all, some...)
		pieces++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, pieces
}

// Between brings what lies between two ids, in order, however much it is and wherever
// its bodies are.
func TestBetween(t *testing.T) {
	db, _, table := storetest.Tables(t)
	objects, name := bucket(t)
	d := deskOver(store.NewChats(db, objects, table, name), table)
	t.Cleanup(func() {
		if err := d.chats.Purge(context.Background(), d.user, ""); err != nil {
			t.Error(err)
		}
	})
	first := d.mustAsk(t, chat.Question{Text: "one"})
	texts := []string{"one", noise(100_000)}
	d.answer(t, first, texts[1])
	for n := range 12 { // rows of 200 KB, and bodies that no row takes
		d.now = d.now.Add(time.Second)
		r := d.mustAsk(t, chat.Question{Chat: first.Chat, Text: fmt.Sprint("more ", n)})
		texts = append(texts, fmt.Sprint("more ", n), noise(100_000+150_000*(n/9)))
		d.answer(t, r, texts[len(texts)-1])
	}
	d.now = d.now.Add(time.Second)
	other := d.mustAsk(t, chat.Question{Text: "elsewhere"})
	end := id.Floor(d.now.Add(time.Hour))

	all, pieces := d.between(t, first.Chat, "", end)
	if len(all) != len(texts) || pieces < 2 {
		t.Fatalf("%d messages in %d pieces, want %d in some", len(all), pieces, len(texts))
	}
	for i, m := range all {
		if m.Text != texts[i] || m.Chat != first.Chat || i > 0 && m.ID <= all[i-1].ID {
			t.Errorf("message %d is %s of chat %s with %d bytes", i, m.ID, m.Chat, len(m.Text))
		}
	}
	for _, c := range []struct {
		what        string
		after, upto string
		want        []chat.Message
	}{
		{"from one to another", all[2].ID, all[5].ID, all[3:6]},
		{"one", all[2].ID, all[3].ID, all[3:4]},
		{"none", all[3].ID, all[3].ID, nil},
		{"none, backwards", all[5].ID, all[2].ID, nil},
		{"between two", all[3].ID, id.Prev(all[4].ID), nil},
		{"up to before all", "", id.Floor(time.UnixMilli(1)), nil},
		{"from after all", end, id.Next(end), nil},
		{"to the end of time", all[9].ID, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", all[10:]},
	} {
		got, _ := d.between(t, first.Chat, c.after, c.upto)
		if !slices.EqualFunc(got, c.want, func(a, b chat.Message) bool { return a.ID == b.ID }) {
			t.Errorf("%s: %d messages, want %d", c.what, len(got), len(c.want))
		}
	}
	if got, _ := d.between(t, other.Chat, "", end); len(got) != 1 || got[0].Text != "elsewhere" {
		t.Errorf("of the other chat: %+v", got)
	}
	stop := errors.New("enough")
	if err := d.chats.Between(t.Context(), d.user, first.Chat, "", end, func([]chat.Message) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("stopped: %v", err)
	}
}

// TestWhatIsThere reads back chats and messages by their ids, and nothing of another's.
func TestWhatIsThere(t *testing.T) {
	ada := newDesk(t)
	bob := deskOver(ada.chats, ada.table)
	var asked []chat.Receipt
	for n := range 20 {
		r := ada.mustAsk(t, chat.Question{Text: fmt.Sprint("question ", n)})
		ada.answer(t, r, fmt.Sprint("answer ", n))
		asked = append(asked, r)
		ada.now = ada.now.Add(time.Second)
	}
	ids := func(user string, chats ...string) (got []string) {
		t.Helper()
		found, err := ada.chats.Existing(t.Context(), user, chats)
		if err != nil {
			t.Fatal(err)
		}
		for one, c := range found {
			if c.ID != one || c.Title == "" {
				t.Errorf("%s is %+v", one, c)
			}
			got = append(got, one)
		}
		slices.Sort(got)
		return got
	}
	gone := id.New(ada.now)
	if got := ids(ada.user, asked[3].Chat, gone, asked[1].Chat); !slices.Equal(got, []string{asked[1].Chat, asked[3].Chat}) {
		t.Errorf("there are %q", got)
	}
	if got := append(ids(bob.user, asked[0].Chat), ids(ada.user)...); got != nil {
		t.Errorf("of another user, and of none: %q", got)
	}

	var refs []chat.Ref
	for _, r := range asked {
		refs = append(refs, chat.Ref{User: ada.user, Chat: r.Chat, Message: r.Question}, chat.Ref{User: ada.user, Chat: r.Chat, Message: r.Reply},
			chat.Ref{User: ada.user, Chat: gone, Message: r.Question}, chat.Ref{User: ada.user, Chat: r.Chat, Message: id.New(ada.now)})
	}
	found, err := ada.chats.Messages(t.Context(), refs)
	if err != nil || len(found) != 2*len(asked) {
		t.Errorf("%d messages, %v; want %d", len(found), err, 2*len(asked))
	}
	if m := found[asked[7].Reply]; m.Text != "answer 7" || m.Chat != asked[7].Chat || m.Role != chat.Assistant {
		t.Errorf("the message is %+v", m)
	}
	for i := range refs {
		refs[i].User = bob.user
	}
	if found, err := ada.chats.Messages(t.Context(), refs); len(found) != 0 || err != nil {
		t.Errorf("of another user: %+v, %v", found, err)
	}
	if found, err := ada.chats.Messages(t.Context(), nil); len(found) != 0 || err != nil {
		t.Errorf("of none: %+v, %v", found, err)
	}

	ada.answer(t, ada.mustAsk(t, chat.Question{Chat: asked[5].Chat, Text: "more"}), "still more")
	if m, err := ada.chats.First(t.Context(), ada.user, asked[5].Chat); m.ID != asked[5].Question || m.Text != "question 5" || err != nil {
		t.Errorf("the first is %+v, %v", m, err)
	}
	for user, one := range map[string]string{ada.user: gone, bob.user: asked[5].Chat} {
		if m, err := ada.chats.First(t.Context(), user, one); !errors.Is(err, chat.ErrNoMessage) {
			t.Errorf("the first of a chat that isn't: %+v, %v", m, err)
		}
	}
	if got := bob.active(t, ""); got != nil {
		t.Errorf("another user's active chats: %q", got)
	}
	if got, _ := bob.between(t, asked[0].Chat, "", id.Floor(ada.now)); len(got) != 0 {
		t.Errorf("another user's messages: %+v", got)
	}
}
