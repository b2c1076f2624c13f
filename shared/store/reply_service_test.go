//go:build service

package store_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/problem"
	"parley/shared/quota"
)

func TestAConversationIsKept(t *testing.T) {
	d := newDesk(t)
	first := d.mustAsk(t, chat.Question{Text: "My name is Ada. Hello!"})
	d.answer(t, first, "Hello Ada!")
	second := d.mustAsk(t, chat.Question{Chat: first.Chat, Text: "What is my name?"})
	if got := d.history(t, first.Chat); len(got) != 4 || got[3].Status != chat.Queued || got[2].Parent != first.Reply {
		t.Errorf("while the second reply waits: %+v", got)
	}
	d.answer(t, second, "Ada.")
	var texts []string
	for _, m := range d.history(t, first.Chat) {
		texts = append(texts, string(m.Role)+": "+m.Text)
	}
	want := []string{"user: My name is Ada. Hello!", "assistant: Hello Ada!", "user: What is my name?", "assistant: Ada."}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Error(diff)
	}
	if c, err := d.chats.Chat(t.Context(), d.user, first.Chat); err != nil || c.Running != "" || c.Title != "My name is Ada. Hello!" {
		t.Errorf("chat: %+v, %v", c, err)
	}
	if first.Used != 1 || second.Used != 2 {
		t.Errorf("used %d, %d", first.Used, second.Used)
	}
}

func TestRegenerateAddsASibling(t *testing.T) {
	d := newDesk(t)
	first := d.mustAsk(t, chat.Question{Text: "one"})
	d.answer(t, first, "1")
	again, err := d.Regenerate(t.Context(), d.user, quota.Free, quota.Of(quota.Free, quota.Limits{}), first.Chat, first.Reply, "")
	if err != nil {
		t.Fatal(err)
	}
	d.answer(t, again, "uno")
	got := d.history(t, first.Chat)
	if len(got) != 3 || got[2].Parent != first.Question || got[1].Parent != first.Question || got[2].Text != "uno" {
		t.Errorf("%+v", got)
	}
	next := d.mustAsk(t, chat.Question{Chat: first.Chat, Text: "two"})
	if got := d.history(t, first.Chat); got[3].ID != next.Question || got[3].Parent != again.Reply {
		t.Errorf("next: %+v", got[3])
	}
}

func TestOneAttemptCommits(t *testing.T) {
	d := newDesk(t)
	r := d.mustAsk(t, chat.Question{Text: "one"})
	p := d.prompt(t, r.Reply)
	one, _ := d.chats.Claim(t.Context(), p)
	two, err := d.chats.Claim(t.Context(), p)
	if err != nil || one.Attempt != 1 || two.Attempt != 2 {
		t.Fatalf("attempts %d, %d, %v", one.Attempt, two.Attempt, err)
	}
	result := chat.Result{Status: chat.Done, Text: "stale"}
	if err := d.chats.Commit(t.Context(), p.Ref(), one.Attempt, result); !errors.Is(err, chat.ErrStale) {
		t.Errorf("stale attempt: %v", err)
	}
	result.Text = "good"
	if err := d.chats.Commit(t.Context(), p.Ref(), two.Attempt, result); err != nil {
		t.Error(err)
	}
	if _, err := d.chats.Claim(t.Context(), p); !errors.Is(err, chat.ErrStale) {
		t.Errorf("claim after the end: %v", err)
	}
	if err := d.chats.Fail(t.Context(), p, chat.Undeliverable); !errors.Is(err, chat.ErrStale) {
		t.Errorf("fail after the end: %v", err)
	}
	if got := d.history(t, r.Chat)[1]; got.Text != "good" || got.Status != chat.Done {
		t.Errorf("%+v", got)
	}
}

func TestHandBacksAreNoFailures(t *testing.T) {
	d := newDesk(t)
	p := d.prompt(t, d.mustAsk(t, chat.Question{Text: "one"}).Reply)
	for n := 1; n <= 5; n++ {
		m, err := d.chats.Claim(t.Context(), p)
		if err != nil || m.Attempt != n || m.HandedBack != n-1 || m.Failures() != 1 {
			t.Fatalf("claim %d: %+v, %v", n, m, err)
		}
		if err := d.chats.HandBack(t.Context(), p.Ref(), n+1); !errors.Is(err, chat.ErrStale) {
			t.Errorf("by attempt %d, which nobody has begun: %v", n+1, err)
		}
		if err := d.chats.HandBack(t.Context(), p.Ref(), n); err != nil {
			t.Errorf("by attempt %d: %v", n, err)
		}
	}
	for range 2 { // the sixth is overtaken by the seventh
		if _, err := d.chats.Claim(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.chats.HandBack(t.Context(), p.Ref(), 6); err != nil {
		t.Errorf("overtaken: %v", err)
	}
	if m, err := d.chats.Message(t.Context(), p.Ref()); err != nil || m.Failures() != 1 {
		t.Errorf("a living worker was overtaken: %+v, %v", m, err)
	}
	if err := d.chats.Commit(t.Context(), p.Ref(), 7, chat.Result{Status: chat.Cancelled}); err != nil {
		t.Fatal(err)
	}
	if err := d.chats.HandBack(t.Context(), p.Ref(), 7); !errors.Is(err, chat.ErrStale) {
		t.Errorf("after the end: %v", err)
	}
}

// What could never be read back isn't taken.
func TestATextThatIsTooLongIsRefused(t *testing.T) {
	d := newDesk(t)
	p := d.prompt(t, d.mustAsk(t, chat.Question{Text: "one"}).Reply)
	if _, err := d.chats.Claim(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	r := chat.Result{Status: chat.Done, Text: strings.Repeat("x", 16<<20+1)}
	if err := d.chats.Commit(t.Context(), p.Ref(), 1, r); problem.From(err) == nil || problem.From(err).Kind != problem.TooLarge {
		t.Errorf("16 MiB and a byte: %v", err)
	}
	r.Text = strings.Repeat("x", chat.MaxReply)
	if err := d.chats.Commit(t.Context(), p.Ref(), 1, r); err != nil {
		t.Error(err)
	}
	if m, err := d.chats.Message(t.Context(), p.Ref()); err != nil || m.Text != r.Text {
		t.Errorf("%d bytes came back, %v", len(m.Text), err)
	}
}

func TestAFailureGivesTheQuotaBackOnce(t *testing.T) {
	d := newDesk(t)
	r := d.mustAsk(t, chat.Question{Text: "one"})
	p := d.prompt(t, r.Reply)
	for i, want := range []error{nil, chat.ErrStale} {
		if err := d.chats.Fail(t.Context(), p, chat.Undeliverable); !errors.Is(err, want) {
			t.Errorf("time %d: %v", i, err)
		}
	}
	if used, err := d.chats.Used(t.Context(), d.user, quota.Hour(d.now)); err != nil || used != 0 {
		t.Errorf("used %d, %v", used, err)
	}
	if got := d.history(t, r.Chat)[1]; got.Status != chat.Failed || got.Failure.Code != "undeliverable" || got.Parent != r.Question {
		t.Errorf("%+v", got)
	}
	d.mustAsk(t, chat.Question{Chat: r.Chat, Text: "the chat is free again"})
}

func TestCancelEndsWhatIsQueued(t *testing.T) {
	d := newDesk(t)
	r := d.mustAsk(t, chat.Question{Text: "one"})
	ref := chat.Ref{User: d.user, Chat: r.Chat, Message: r.Reply}
	for range 2 {
		if m, err := d.chats.Cancel(t.Context(), ref); err != nil || m.Status != chat.Cancelled || m.Parent != r.Question {
			t.Errorf("%+v, %v", m, err)
		}
	}
	if _, err := d.chats.Claim(t.Context(), d.prompt(t, r.Reply)); !errors.Is(err, chat.ErrStale) {
		t.Errorf("claim: %v", err)
	}
}

func TestNobodyReachesAnothersChat(t *testing.T) {
	d := newDesk(t)
	r := d.mustAsk(t, chat.Question{Text: "secret"})
	d.answer(t, r, "indeed")
	stranger := id.New(time.Now())
	if _, err := d.Sender.Send(t.Context(), stranger, quota.Free, quota.Of(quota.Free, quota.Limits{}), chat.Question{Chat: r.Chat, Text: "?"}); !errors.Is(err, chat.ErrNoChat) {
		t.Errorf("send: %v", err)
	}
	ref := chat.Ref{User: stranger, Chat: r.Chat, Message: r.Reply}
	if _, err := d.chats.Message(t.Context(), ref); !errors.Is(err, chat.ErrNoMessage) {
		t.Errorf("message: %v", err)
	}
	if _, _, err := d.chats.Page(t.Context(), stranger, r.Chat, "", 5); !errors.Is(err, chat.ErrNoChat) {
		t.Errorf("page: %v", err)
	}
	if err := d.chats.SetFeedback(t.Context(), ref, chat.Feedback{Rating: "up"}); !errors.Is(err, chat.ErrNoMessage) {
		t.Errorf("feedback: %v", err)
	}
	if err := d.chats.DeleteChat(t.Context(), stranger, r.Chat); !errors.Is(err, chat.ErrNoChat) {
		t.Errorf("delete: %v", err)
	}
	if used, err := d.chats.Used(t.Context(), stranger, quota.Hour(d.now)); err != nil || used != 0 {
		t.Errorf("a refused send was counted: %d, %v", used, err)
	}
}

func TestTheTailIsReadBackwards(t *testing.T) {
	d := newDesk(t)
	r := d.mustAsk(t, chat.Question{Text: "turn 0"})
	d.answer(t, r, "reply 0")
	for range 4 {
		d.now = d.now.Add(time.Second)
		r = d.mustAsk(t, chat.Question{Chat: r.Chat, Text: "turn"})
		d.answer(t, r, "reply")
	}
	ref := chat.Ref{User: d.user, Chat: r.Chat, Message: r.Question}
	recent, err := d.chats.Recent(t.Context(), ref, 2)
	if err != nil || len(recent) != 2 || recent[0].ID != r.Question || recent[1].Role != chat.Assistant {
		t.Fatalf("%+v, %v", recent, err)
	}
	ref.Message = recent[1].ID
	older, more, err := d.chats.Before(t.Context(), ref, 100)
	if err != nil || more || len(older) != 7 || older[6].Text != "turn 0" {
		t.Errorf("%d older, more %v, %v", len(older), more, err)
	}
	if !slices.IsSortedFunc(older, func(a, b chat.Message) int { return strings.Compare(b.ID, a.ID) }) {
		t.Error("not newest first")
	}
}

func TestADeletedChatIsOutOfSight(t *testing.T) {
	d := newDesk(t)
	kept := d.mustAsk(t, chat.Question{Text: "kept"})
	gone := d.mustAsk(t, chat.Question{Text: "gone"})
	d.answer(t, gone, "gone, too")
	if err := d.chats.DeleteChat(t.Context(), d.user, gone.Chat); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.chats.Page(t.Context(), d.user, gone.Chat, "", 5); !errors.Is(err, chat.ErrNoChat) {
		t.Errorf("page: %v", err)
	}
	if _, err := d.ask(t.Context(), chat.Question{Chat: gone.Chat, Text: "?"}); !errors.Is(err, chat.ErrNoChat) {
		t.Errorf("send: %v", err)
	}
	if len(d.history(t, kept.Chat)) != 2 {
		t.Error("the other chat suffered")
	}
}
