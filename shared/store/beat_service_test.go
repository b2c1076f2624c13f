//go:build service

package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/quota"
	"parley/shared/region"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

// Each region has one beat; of two that follow the same one the first counts.
func TestBeatsAreKeptByRegion(t *testing.T) {
	db, _, table := storetest.Tables(t)
	c := store.NewChats(db, nil, table, "")
	now := time.Now().UTC().Truncate(time.Millisecond)
	beat := func(name string, at time.Time, last region.Beat) region.Beat {
		t.Helper()
		next := region.Beat{Region: name, At: at, Since: now, Home: "a"}
		if err := c.Beat(t.Context(), next, last); err != nil {
			t.Fatal(err)
		}
		return next
	}
	first := beat("a", now, region.Beat{})
	second := beat("a", now.Add(time.Minute), first)
	beat("a", now.Add(2*time.Minute), first)
	other := beat("b", now, region.Beat{})
	got, err := c.Beats(t.Context())
	if diff := cmp.Diff([]region.Beat{second, other}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// Guards and claims carry the region where there are several, and a retry takes a key
// over; where there is one, nothing is longer by it.
func TestWhatIsAcceptedCarriesItsRegion(t *testing.T) {
	db, _, table := storetest.Tables(t)
	for _, name := range []string{"", "there"} {
		c := store.NewChats(db, nil, table, "").InRegion(name)
		now := time.Now()
		user, question := id.New(now), id.New(now)
		s := chat.Sending{User: user, Chat: id.New(now), NewChat: true, Key: "k", Limit: 9, At: now, Reply: chat.ReplyOf(question),
			Question: chat.Message{ID: question, Role: chat.User, Text: "hi", Deadline: now.Add(time.Minute), Hour: quota.Hour(now)}}
		known := func(in *store.Chats) string {
			t.Helper()
			r, err := in.Accept(t.Context(), s)
			if err != nil || r.Known == nil {
				t.Fatalf("%+v, %v", r, err)
			}
			return r.Known.Region
		}
		if r, err := c.Accept(t.Context(), s); err != nil || r != (chat.Refusal{}) {
			t.Fatal(r, err)
		}
		if _, err := c.Ask(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if got := known(c); got != name {
			t.Errorf("the guard says %q, not %q", got, name)
		}
		here := c.InRegion("here")
		if r, err := here.Hold(t.Context(), s); err != nil || r != (chat.Refusal{}) {
			t.Fatal(r, err)
		}
		if got := known(c); got != "here" {
			t.Errorf("once it is held here the guard says %q", got)
		}
		m, err := c.Claim(t.Context(), chat.Prompt{User: user, Chat: s.Chat, Question: question, Reply: s.Reply, Hour: s.Question.Hour})
		if err != nil || m.Region != name {
			t.Errorf("the claim says %q, not %q: %v", m.Region, name, err)
		}
	}
}
