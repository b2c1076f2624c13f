//go:build service

package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/quota"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

// table is a desk whose rows the test can look at.
type table struct {
	*desk
	db   *dynamodb.Client
	name string
}

func newTable(t *testing.T) table {
	t.Helper()
	db, _, name := storetest.Tables(t)
	chats := store.NewChats(db, nil, name, "")
	d := &desk{chats: chats, user: id.New(time.Now()), now: time.Now().UTC().Truncate(time.Millisecond)}
	d.Sender = &chat.Sender{Store: chats, Queue: d, Now: d.clock, NewID: id.New,
		Deadlines: map[quota.Plan]time.Duration{quota.Free: 2 * time.Minute}}
	return table{d, db, name}
}

func says(role, text string) chat.Said {
	return chat.Said{Role: role, Content: chat.Content{Text: &text}}
}

func completion(keep bool) chat.Completion {
	zero := 0.0
	return chat.Completion{Messages: []chat.Said{says("system", "Be brief."), says("user", "Why?")}, MaxTokens: 7, Keep: keep,
		Options: chat.Options{Temperature: &zero, Stop: chat.Stops{"."}}}
}

func (d table) complete(t *testing.T, c chat.Completion) chat.Receipt {
	t.Helper()
	r, err := d.Complete(t.Context(), d.user, quota.Free, quota.Of(quota.Free, quota.Limits{}), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// messages returns the rows of messages by kind (u, a) with their ends.
func (d table) messages(t *testing.T) (ends []string) {
	t.Helper()
	out, err := d.db.Query(t.Context(), &dynamodb.QueryInput{TableName: &d.name, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("PK = :p AND begins_with(SK, :m)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":p": &types.AttributeValueMemberS{Value: "U#" + d.user}, ":m": &types.AttributeValueMemberS{Value: "M#"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range out.Items {
		end := "stays"
		if ttl, ok := it["ttl"].(*types.AttributeValueMemberN); ok {
			end = "goes"
			at, err := time.ParseDuration(ttl.Value + "s")
			if left := at - time.Duration(d.clock().UnixNano()); err != nil || left < 23*time.Hour || left > 25*time.Hour {
				t.Errorf("a row goes in %s, %v", left, err)
			}
		}
		ends = append(ends, it["r"].(*types.AttributeValueMemberS).Value+" "+end)
	}
	return ends
}

// A worker reads the request as it was sent, from whichever exchange.
func TestACompletionComesBackAsItWasAsked(t *testing.T) {
	d := newTable(t)
	for _, keep := range []bool{true, false} {
		want := completion(keep)
		r := d.complete(t, want)
		ref := chat.Ref{User: d.user, Chat: r.Chat, Message: r.Question}
		if ref.Passing() == keep || (chat.Ref{User: d.user, Chat: r.Chat, Message: r.Reply}).Passing() == keep {
			t.Errorf("kept %v: %+v", keep, ref)
		}
		got, err := d.chats.Recent(t.Context(), ref, 2)
		if err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		want.Keep = false // is in the ids
		if diff := cmp.Diff(&want, got[0].Completion); diff != "" {
			t.Error(diff)
		}
	}
}

// However an exchange that isn't kept ends, its rows go by themselves, and only
// those; nothing of it stands in a list.
func TestAnExchangeThatIsNotKeptGoes(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, d table, r chat.Receipt){
		"answered": func(t *testing.T, d table, r chat.Receipt) { d.answer(t, r, "So.") },
		"cancelled": func(t *testing.T, d table, r chat.Receipt) {
			if m, err := d.chats.Cancel(t.Context(), chat.Ref{User: d.user, Chat: r.Chat, Message: r.Reply}); err != nil || m.Status != chat.Cancelled {
				t.Fatal(m, err)
			}
		},
		"given up": func(t *testing.T, d table, r chat.Receipt) {
			if err := d.chats.Fail(t.Context(), d.prompt(t, r.Reply), chat.Undeliverable); err != nil {
				t.Fatal(err)
			}
		},
		"failed": func(t *testing.T, d table, r chat.Receipt) {
			m, err := d.chats.Claim(t.Context(), d.prompt(t, r.Reply))
			if err != nil {
				t.Fatal(err)
			}
			failed := chat.Result{Status: chat.Failed, Failure: &chat.TooLong, Hour: m.Hour}
			if err := d.chats.Commit(t.Context(), chat.Ref{User: d.user, Chat: r.Chat, Message: r.Reply}, m.Attempt, failed); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newTable(t)
			r := d.complete(t, completion(false))
			end(t, d, r)
			if diff := cmp.Diff([]string{"u goes", "a goes"}, d.messages(t)); diff != "" {
				t.Error(diff)
			}
			if chats, err := d.chats.Chats(t.Context(), d.user); err != nil || len(chats) != 0 {
				t.Errorf("%+v, %v", chats, err)
			}
			if _, _, err := d.chats.Page(t.Context(), d.user, r.Chat, "", 10); !errors.Is(err, chat.ErrNoChat) {
				t.Errorf("read as a chat: %v", err)
			}
			if _, err := d.ask(t.Context(), chat.Question{Chat: r.Chat, Text: "And?"}); !errors.Is(err, chat.ErrNoChat) {
				t.Errorf("a question is added: %v", err)
			}
		})
	}
	d := newTable(t)
	d.answer(t, d.complete(t, completion(true)), "So.")
	if diff := cmp.Diff([]string{"u stays", "a stays"}, d.messages(t)); diff != "" {
		t.Error(diff)
	}
}

// What the queue did not get is taken back, quota included.
func TestACompletionThatIsNotQueuedIsUndone(t *testing.T) {
	d := newTable(t)
	d.down = true
	for _, keep := range []bool{true, false} {
		if _, err := d.Complete(t.Context(), d.user, quota.Free, quota.Of(quota.Free, quota.Limits{}), completion(keep)); err == nil {
			t.Fatal("it is accepted")
		}
	}
	used, err := d.chats.Used(t.Context(), d.user, quota.Hour(d.clock()))
	if rows := d.messages(t); err != nil || used != 0 || len(rows) != 0 {
		t.Errorf("%d counted, rows %v, %v", used, rows, err)
	}
}

func TestCompletionsCountAsMessages(t *testing.T) {
	d := newTable(t)
	limits := quota.Of(quota.Free, quota.Limits{MessagesPerHour: 2})
	for i, keep := range []bool{true, false, false} {
		_, err := d.Complete(t.Context(), d.user, quota.Free, limits, completion(keep))
		if i < 2 && err != nil || i == 2 && !chat.IsLimit(err) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if err := d.chats.Block(t.Context(), d.user, true, quota.Hour(d.clock())); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Complete(t.Context(), d.user, quota.Free, quota.Of(quota.Free, quota.Limits{}), completion(false)); code(err) != "account_disabled" {
		t.Errorf("%v", err)
	}
}

// Calls of tools are kept with the reply.
func TestCallsAreKept(t *testing.T) {
	d := newTable(t)
	r := d.complete(t, completion(false))
	m, err := d.chats.Claim(t.Context(), d.prompt(t, r.Reply))
	if err != nil {
		t.Fatal(err)
	}
	want := []chat.Call{{ID: "c1", Type: "function", Function: chat.Called{Name: "f", Arguments: `{"a":1}`}}}
	ref := chat.Ref{User: d.user, Chat: r.Chat, Message: r.Reply}
	if err := d.chats.Commit(t.Context(), ref, m.Attempt, chat.Result{Status: chat.Done, Calls: want, Finish: "tool_calls"}); err != nil {
		t.Fatal(err)
	}
	got, err := d.chats.Message(t.Context(), ref)
	if diff := cmp.Diff(want, got.Calls); err != nil || diff != "" || got.Text != "" {
		t.Error(err, diff)
	}
}

// A request too large for its row spills to a folder of its own, and goes with its user.
func TestALargeCompletionSpillsAndIsPurged(t *testing.T) {
	db, _, name := storetest.Tables(t)
	objects, bodies := bucket(t)
	d := &desk{chats: store.NewChats(db, objects, name, bodies), user: id.New(time.Now()), now: time.Now()}
	d.Sender = &chat.Sender{Store: d.chats, Queue: d, Now: d.clock, NewID: id.New, Deadlines: map[quota.Plan]time.Duration{quota.Premium: time.Minute}}
	for _, keep := range []bool{false, true} {
		c := completion(keep)
		c.Messages[1] = says("user", noise(100_000))
		r, err := d.Complete(t.Context(), d.user, quota.Premium, quota.Of(quota.Premium, quota.Limits{}), c)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.chats.Recent(t.Context(), chat.Ref{User: d.user, Chat: r.Chat, Message: r.Question}, 2)
		if err != nil || got[0].Completion.Text() != c.Text() {
			t.Fatalf("it comes back otherwise: %v", err)
		}
		list, err := objects.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bodies, Prefix: aws.String("passing/" + d.user + "/")})
		if err != nil || len(list.Contents) != 1 {
			t.Errorf("%d objects that pass, %v", len(list.Contents), err)
		}
	}
	if err := d.chats.Purge(t.Context(), d.user, ""); err != nil || count(t, objects, bodies) != 0 {
		t.Errorf("left after the purge: %v", err)
	}
}
