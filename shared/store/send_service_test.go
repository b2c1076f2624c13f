//go:build service

package store_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/problem"
	"parley/shared/quota"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

// desk is a Sender over a real table, with a queue that the test can look into
// and a clock that it can move.
type desk struct {
	*chat.Sender
	chats *store.Chats
	user  string
	table string

	mu      sync.Mutex
	now     time.Time
	prompts []chat.Prompt
	down    bool
	before  func() error // what happens while a prompt is on its way, if not nil
}

var errDown = errors.New("queue is down")

// Send makes the desk its own queue.
func (d *desk) Send(_ context.Context, p chat.Prompt) error {
	if before := d.before; before != nil {
		d.before = nil
		return before()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return errDown
	}
	d.prompts = append(d.prompts, p)
	return nil
}

func (d *desk) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	db, _, table := storetest.Tables(t)
	return deskOver(store.NewChats(db, nil, table, ""), table)
}

func deskOver(chats *store.Chats, table string) *desk {
	d := &desk{chats: chats, table: table, user: id.New(time.Now()), now: time.Now().UTC().Truncate(time.Hour).Add(time.Minute)}
	d.Sender = &chat.Sender{Store: chats, Queue: d, Now: d.clock, NewID: id.New,
		Deadlines: map[quota.Plan]time.Duration{quota.Free: 2 * time.Minute}}
	return d
}

func (d *desk) ask(ctx context.Context, q chat.Question) (chat.Receipt, error) {
	return d.Sender.Send(ctx, d.user, quota.Free, quota.Of(quota.Free, quota.Limits{}), q)
}

func (d *desk) mustAsk(t *testing.T, q chat.Question) chat.Receipt {
	t.Helper()
	r, err := d.ask(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// answer writes the reply that a receipt names.
func (d *desk) answer(t *testing.T, r chat.Receipt, text string) {
	t.Helper()
	m, err := d.chats.Claim(t.Context(), d.prompt(t, r.Reply))
	if err != nil {
		t.Fatal(err)
	}
	result := chat.Result{Status: chat.Done, Text: text, Finish: "stop", Usage: chat.Usage{PromptTokens: 1, CompletionTokens: 2}}
	if err := d.chats.Commit(t.Context(), chat.Ref{User: d.user, Chat: r.Chat, Message: r.Reply}, m.Attempt, result); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) prompt(t *testing.T, reply string) chat.Prompt {
	t.Helper()
	for _, p := range d.prompts {
		if p.Reply == reply {
			return p
		}
	}
	t.Fatalf("no prompt for %s", reply)
	return chat.Prompt{}
}

func (d *desk) history(t *testing.T, chatID string) []chat.Message {
	t.Helper()
	h := &chat.History{Store: d.chats, Now: d.clock}
	page, _, err := h.Messages(t.Context(), d.user, chatID, chat.MaxPage, "")
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func code(err error) string {
	if err == nil {
		return ""
	}
	return problem.From(err).Code
}

func TestOneRunningReplyPerChat(t *testing.T) {
	d := newDesk(t)
	first := d.mustAsk(t, chat.Question{Text: "one"})
	d.answer(t, first, "1")
	var accepted atomic.Int32
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			switch _, err := d.ask(t.Context(), chat.Question{Chat: first.Chat, Text: "again"}); code(err) {
			case "":
				accepted.Add(1)
			case "reply_in_progress":
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if accepted.Load() != 1 {
		t.Errorf("%d accepted", accepted.Load())
	}
}

func TestTheHoursLimitHoldsUnderParallelSends(t *testing.T) {
	d := newDesk(t)
	var accepted, refused atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			switch _, err := d.ask(t.Context(), chat.Question{Text: "hi"}); code(err) {
			case "":
				accepted.Add(1)
			case "rate_limited":
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if accepted.Load() != 40 || refused.Load() != 10 {
		t.Errorf("%d accepted, %d refused", accepted.Load(), refused.Load())
	}
	if err := d.chats.Block(t.Context(), d.user, true, quota.Hour(d.now.Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	d.now = d.now.Add(time.Hour)
	if _, err := d.ask(t.Context(), chat.Question{Text: "hi"}); code(err) != "account_disabled" {
		t.Errorf("blocked: %v", err)
	}
}

func TestAKeyStandsForOneSend(t *testing.T) {
	d := newDesk(t)
	receipts := make([]chat.Receipt, 8)
	var wg sync.WaitGroup
	for i := range receipts {
		wg.Go(func() {
			for { // parallel tries may meet a first one that has not got far
				r, err := d.ask(t.Context(), chat.Question{Text: "once", Key: "k1"})
				if code(err) == "reply_in_progress" {
					continue
				}
				if err != nil {
					t.Error(err)
				}
				receipts[i] = r
				return
			}
		})
	}
	wg.Wait()
	for _, r := range receipts {
		if r.Reply != receipts[0].Reply || r.Chat != receipts[0].Chat {
			t.Errorf("%+v and %+v", r, receipts[0])
		}
	}
	if used, err := d.chats.Used(t.Context(), d.user, quota.Hour(d.now)); err != nil || used != 1 {
		t.Errorf("used %d, %v", used, err)
	}
	d.answer(t, receipts[0], "done")
	sent := len(d.prompts)
	if r := d.mustAsk(t, chat.Question{Text: "once", Key: "k1"}); !r.Replayed || len(d.prompts) != sent {
		t.Errorf("after the end: %+v, %d prompts more", r, len(d.prompts)-sent)
	}
	if _, err := d.ask(t.Context(), chat.Question{Text: "other", Key: "k1"}); code(err) != "idempotency_key_reused" {
		t.Errorf("another body: %v", err)
	}
	d.now = d.now.Add(chat.KeyLife + time.Second)
	if r := d.mustAsk(t, chat.Question{Text: "once", Key: "k1"}); r.Replayed || r.Reply == receipts[0].Reply {
		t.Errorf("a day later: %+v", r)
	}
}

func TestWhatTheQueueDidNotGetIsUndone(t *testing.T) {
	d := newDesk(t)
	first := d.mustAsk(t, chat.Question{Text: "one"})
	d.answer(t, first, "1")
	d.down = true
	for _, q := range []chat.Question{{Text: "new", Key: "a"}, {Chat: first.Chat, Text: "more", Key: "b"}} {
		if _, err := d.ask(t.Context(), q); !errors.Is(err, errDown) {
			t.Fatal(err)
		}
	}
	if _, err := d.Regenerate(t.Context(), d.user, quota.Free, quota.Of(quota.Free, quota.Limits{}), first.Chat, first.Reply, ""); !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	if used, err := d.chats.Used(t.Context(), d.user, quota.Hour(d.now)); err != nil || used != 1 {
		t.Errorf("used %d, %v", used, err)
	}
	if chats, err := d.chats.Chats(t.Context(), d.user); err != nil || len(chats) != 1 || len(d.history(t, first.Chat)) != 2 {
		t.Errorf("left: %+v, %v", chats, err)
	}
	d.down = false
	if r := d.mustAsk(t, chat.Question{Chat: first.Chat, Text: "more", Key: "b"}); r.Replayed {
		t.Error("the key was spent on nothing")
	}
}

// TestAFirstTryUndoesNothingThatASecondOneGoesOnWith has a retry overtake its
// first try while that one fails to reach the queue, and then fail as well.
func TestAFirstTryUndoesNothingThatASecondOneGoesOnWith(t *testing.T) {
	for name, down := range map[string]bool{"the retry gets through": false, "the retry fails, too": true} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			q := chat.Question{Text: "once", Key: "k"}
			var second chat.Receipt
			d.before = func() (err error) {
				d.down = down
				second, err = d.ask(t.Context(), q)
				if (err != nil) != down {
					t.Errorf("the retry: %v", err)
				}
				return errDown
			}
			if _, err := d.ask(t.Context(), q); !errors.Is(err, errDown) {
				t.Fatalf("the first try: %v", err)
			}
			d.down = false
			last := d.mustAsk(t, q)
			if !last.Replayed || !down && last.Reply != second.Reply {
				t.Errorf("the last try got %+v, the one before %+v", last, second)
			}
			d.answer(t, last, "1")
			if used, err := d.chats.Used(t.Context(), d.user, quota.Hour(d.now)); err != nil || used != 1 {
				t.Errorf("used %d, %v", used, err)
			}
			if got := d.history(t, last.Chat); len(got) != 2 || got[1].Text != "1" {
				t.Errorf("history: %+v", got)
			}
		})
	}
}

// TestARetryThatComesAfterTheUndoStartsOver has the first try undo itself after
// its retry has read the guard.
func TestARetryThatComesAfterTheUndoStartsOver(t *testing.T) {
	d := newDesk(t)
	s := chat.Sending{User: d.user, Chat: id.New(d.now), Reply: id.New(d.now), Key: "k"}
	if refusal, err := d.chats.Hold(t.Context(), s); err != nil || !refusal.Undone {
		t.Errorf("%+v, %v", refusal, err)
	}
}

func TestALapsedReplyIsRevivedByItsKeyOnly(t *testing.T) {
	d := newDesk(t)
	first := d.mustAsk(t, chat.Question{Text: "one", Key: "k"})
	d.now = d.now.Add(23 * time.Hour)
	if got := d.history(t, first.Chat); got[1].Status != chat.Failed || got[1].Failure.Code != "deadline_exceeded" {
		t.Errorf("lapsed: %+v", got[1])
	}
	sent := len(d.prompts)
	if r := d.mustAsk(t, chat.Question{Text: "one", Key: "k"}); r.Reply != first.Reply || !r.Replayed || len(d.prompts) != sent+1 {
		t.Errorf("retry: %+v", r)
	}
	if got := d.history(t, first.Chat); len(got) != 2 || got[1].Status != chat.Queued {
		t.Errorf("revived: %+v", got)
	}
	d.now = d.now.Add(time.Hour)
	d.mustAsk(t, chat.Question{Chat: first.Chat, Text: "a lapsed reply doesn't lock its chat"})
}

// TestARefundLeavesNothingForGood gives a message back to a window whose row is
// gone.
func TestARefundLeavesNothingForGood(t *testing.T) {
	d := newDesk(t)
	r := d.mustAsk(t, chat.Question{Text: "one"})
	db, _, table := storetest.Tables(t) // another one, in which nobody has asked
	d.chats = store.NewChats(db, nil, table, "")
	if err := d.chats.Fail(t.Context(), d.prompt(t, r.Reply), chat.Undeliverable); err != nil {
		t.Fatal(err)
	}
	out, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: map[string]types.AttributeValue{
		"PK": &types.AttributeValueMemberS{Value: "U#" + d.user}, "SK": &types.AttributeValueMemberS{Value: "Q#" + quota.Hour(d.now)}}})
	if err != nil || out.Item["used"] == nil || out.Item["ttl"] == nil {
		t.Errorf("the window is %v, %v", out.Item, err)
	}
}

// noise is text that hardly compresses.
func noise(n int) string {
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for range n {
		b.WriteRune(rune(0x4e00 + r.IntN(20000)))
	}
	return b.String()
}

// busy is a Lookout over a queue that takes no more.
type busy struct{}

func (busy) Glance(quota.Plan) (chat.Outlook, bool)           { return chat.Outlook{ETA: 999}, true }
func (busy) Outlook(context.Context, quota.Plan) chat.Outlook { return chat.Outlook{ETA: 999} }

// While the queue is overloaded a known key is answered, and gone on with if its
// first try died; a new one leaves nothing behind.
func TestOverloadLeavesKnownKeysAlone(t *testing.T) {
	d := newDesk(t)
	first := d.mustAsk(t, chat.Question{Text: "one", Key: "k1"})
	d.Lookout = busy{}
	again := d.mustAsk(t, chat.Question{Text: "one", Key: "k1"})
	if !again.Replayed || again.Reply != first.Reply || len(d.prompts) != 2 {
		t.Errorf("%+v after %+v; %d prompts", again, first, len(d.prompts))
	}
	for _, q := range []chat.Question{{Text: "two", Key: "k2"}, {Text: "two"}} {
		if _, err := d.ask(t.Context(), q); code(err) != "overloaded" {
			t.Errorf("%+v: %v", q, err)
		}
	}
	if used, err := d.chats.Used(t.Context(), d.user, quota.Hour(d.clock())); err != nil || used != 1 {
		t.Errorf("%d messages were counted, %v", used, err)
	}
	d.Lookout = nil
	if r := d.mustAsk(t, chat.Question{Text: "two", Key: "k2"}); r.Replayed {
		t.Errorf("what was shed left its key: %+v", r)
	}
}
