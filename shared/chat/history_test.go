package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/id"
)

var start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// shelf is a chat in memory, newest first, that pages as the table does.
type shelf []Message

func (s shelf) Chats(context.Context, string) ([]Chat, error)      { return nil, nil }
func (s shelf) Chat(context.Context, string, string) (Chat, error) { return Chat{}, nil }
func (s shelf) Message(context.Context, Ref) (Message, error)      { return Message{}, ErrNoMessage }
func (s shelf) Page(_ context.Context, _, _, before string, limit int) ([]Message, bool, error) {
	var rows []Message
	for _, m := range s {
		if before == "" || m.ID < before {
			if len(rows) == limit {
				return rows, true, nil
			}
			rows = append(rows, m)
		}
	}
	return rows, false, nil
}

// asked returns a question of turn n, and the reply's row.
func asked(n int) (question, reply Message) {
	at := start.Add(time.Duration(n) * time.Minute)
	q := fmt.Sprintf("01ARZ3NDEK%016d", n*2)
	question = Message{ID: q, Chat: "C", Role: User, Status: Done, Deadline: at.Add(time.Minute), CreatedAt: at}
	reply = Message{ID: ReplyOf(q), Chat: "C", Parent: q, Role: Assistant, Status: Done, CreatedAt: at}
	return question, reply
}

// TestPagesShowEveryMessageOnce walks chats of mixed replies, with and without
// rows, in pages of every size.
func TestPagesShowEveryMessageOnce(t *testing.T) {
	var rows shelf
	var want []string
	for n := range 9 {
		q, r := asked(n)
		rows = append(shelf{q}, rows...)
		if n%3 != 1 { // every third reply never got a row
			rows = append(shelf{r}, rows...)
		}
		want = append(want, q.ID, r.ID)
	}
	h := &History{Store: rows, Now: func() time.Time { return start.Add(24 * time.Hour) }}
	for limit := 1; limit <= 20; limit++ {
		var got []string
		parents := map[string]string{}
		for cursor := ""; ; {
			page, next, err := h.Messages(t.Context(), "U", "C", limit, cursor)
			if err != nil {
				t.Fatal(err)
			}
			ids := make([]string, len(page))
			for i, m := range page {
				ids[i], parents[m.ID] = m.ID, m.Parent
			}
			got = append(ids, got...)
			if cursor = next; cursor == "" {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("pages of %d: %s", limit, diff)
		}
		for i, m := range want {
			parent := ""
			if i > 0 {
				parent = want[i-1]
			}
			if parents[m] != parent {
				t.Errorf("pages of %d: parent of %d is %q, want %q", limit, i, parents[m], parent)
			}
		}
	}
}

func TestAReplyWithoutARowIsQueuedUntilItsDeadline(t *testing.T) {
	q, _ := asked(0)
	if m := Pending(q).AsOf(q.Deadline); m.Status != Queued || m.Lapsed {
		t.Errorf("in time: %+v", m)
	}
	if m := Pending(q).AsOf(q.Deadline.Add(1)); m.Status != Failed || m.Failure.Code != "deadline_exceeded" || !m.Lapsed {
		t.Errorf("late: %+v", m)
	}
}

func TestEditedQuestionsKeepTheirParent(t *testing.T) {
	q0, r0 := asked(0)
	q1, r1 := asked(1)
	edited, re := asked(2)
	edited.Parent = r0.ID
	root, rr := asked(3)
	root.Parent = root.Chat
	page := []Message{q0, r0, q1, r1, edited, re, root, rr}
	Link(page, nil)
	got := make([]string, len(page))
	for i, m := range page {
		got[i] = m.Parent
	}
	if diff := cmp.Diff([]string{"", q0.ID, r0.ID, q1.ID, r0.ID, edited.ID, "", root.ID}, got); diff != "" {
		t.Error(diff)
	}
}

func TestBadPagesAreRefused(t *testing.T) {
	h := &History{Store: shelf{}, Now: time.Now}
	for _, c := range []struct {
		limit  int
		cursor string
	}{{0, ""}, {-1, ""}, {MaxPage + 1, ""}, {1, "x"}, {1, id.New(start) + "\x00"}} {
		if _, _, err := h.Messages(t.Context(), "U", "C", c.limit, c.cursor); err == nil {
			t.Errorf("limit %d, cursor %q passed", c.limit, c.cursor)
		}
	}
}

// TestAPageStaysWithinWhatAFunctionMayAnswer reads texts that are six times as long
// in JSON, and pages on.
func TestAPageStaysWithinWhatAFunctionMayAnswer(t *testing.T) {
	var rows shelf
	for n := range 4 {
		q, r := asked(n)
		q.Text, r.Text = strings.Repeat("\x01", 512<<10), strings.Repeat("a\n", 512<<10)
		rows = append(shelf{r, q}, rows...)
	}
	h := &History{Store: rows, Now: func() time.Time { return start }}
	seen, cursor := 0, ""
	for {
		page, next, err := h.Messages(t.Context(), "U", "C", DefaultPage, cursor)
		if err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(page)
		if err != nil || len(body) > 6_000_000 {
			t.Fatalf("a page of %d bytes, %v", len(body), err)
		}
		seen += len(page)
		if cursor = next; next == "" {
			break
		}
	}
	if seen != len(rows) {
		t.Errorf("%d messages of %d", seen, len(rows))
	}
}
