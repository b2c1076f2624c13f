//go:build service

package ledger_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"parley/scripts/internal/ledger/rig"
	"parley/scripts/internal/runtimeapi"
	"parley/shared/auth/authtest"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/queue"
	"parley/shared/quota"
)

// desk is where tests send messages through the compiled function.
type desk struct {
	*rig.Rig
	realm *authtest.Realm
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	r, _ := newRig(t)
	d := &desk{Rig: r, realm: authtest.New(t, time.Now)}
	d.patient(t)
	d.realm.Publish(t, r.Accounts)
	return d
}

// start starts a fresh environment of send-message.
func (d *desk) start(t *testing.T) *runtimeapi.Environment {
	t.Helper()
	e, err := d.Start(t.Context(), "send-message")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	if _, err := e.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

// receipt is the body of a 202.
type receipt struct {
	Chat    string `json:"chat_id"`
	Message string `json:"message_id"`
	Reply   string `json:"reply_id"`
}

func decodeReceipt(t *testing.T, res runtimeapi.Response) receipt {
	t.Helper()
	var r receipt
	if err := json.Unmarshal([]byte(res.Body), &r); err != nil || res.Status != 202 {
		t.Fatalf("answer %d %s", res.Status, res.Body)
	}
	return r
}

// object is JSON that is to be sent.
type object = map[string]any

// ask is the request that sends a message.
func ask(token, key string, fields object) runtimeapi.Request {
	body, _ := json.Marshal(fields) // strings and lists of them can be encoded
	r := runtimeapi.Request{Method: "POST", Path: "/v1/messages", Body: string(body), Header: map[string]string{"Authorization": "Bearer " + token}}
	if key != "" {
		r.Header["Idempotency-Key"] = key
	}
	return r
}

// mustSend sends in a fresh environment and expects a 202.
func (d *desk) mustSend(t *testing.T, r runtimeapi.Request) (receipt, runtimeapi.Response) {
	t.Helper()
	e := d.start(t)
	defer e.Close()
	res, err := runtimeapi.Call(t.Context(), e, r)
	if err != nil {
		t.Fatal(err)
	}
	return decodeReceipt(t, res), res
}

// drain takes every prompt out of both queues. A prompt may come twice, as SQS says
// and as the embedded one does when an answer of its own is lost.
func (d *desk) drain(t *testing.T) []chat.Prompt {
	t.Helper()
	var prompts []chat.Prompt
	for _, url := range []string{d.Queues.Free, d.Queues.Premium} {
		for q := queue.New(d.SQS, url); !d.empty(t, url); {
			deliveries, err := q.Receive(t.Context(), 10, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, delivery := range deliveries {
				if delivery.Err != nil {
					t.Fatal(delivery.Err)
				}
				prompts = append(prompts, delivery.Prompt)
				if err := q.Delete(t.Context(), delivery.Receipt); err != nil {
					t.Logf("a prompt will come again: %v", err)
				}
			}
		}
	}
	return prompts
}

// empty reports whether a queue has no prompt, hidden ones included.
func (d *desk) empty(t *testing.T, url string) bool {
	t.Helper()
	out, err := d.SQS.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url,
		AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes["ApproximateNumberOfMessages"] == "0" && out.Attributes["ApproximateNumberOfMessagesNotVisible"] == "0"
}

// patient makes prompts that were handed out and not deleted come back soon.
func (d *desk) patient(t *testing.T) {
	t.Helper()
	for _, url := range []string{d.Queues.Free, d.Queues.Premium} {
		_, err := d.SQS.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{"VisibilityTimeout": "1"}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// asked returns how many different replies prompts ask for.
func asked(prompts []chat.Prompt) int {
	replies := map[string]bool{}
	for _, p := range prompts {
		replies[p.Reply] = true
	}
	return len(replies)
}

// answer does with prompts what workers do, and returns how many of them led to
// an answer.
func (d *desk) answer(t *testing.T, prompts []chat.Prompt) int {
	t.Helper()
	answers := 0
	for _, p := range prompts {
		m, err := d.Chats.Claim(t.Context(), p)
		if errors.Is(err, chat.ErrStale) {
			continue
		}
		if err != nil {
			t.Fatalf("claim: %v", err)
		}
		if _, err := d.Chats.Recent(t.Context(), chat.Ref{User: p.User, Chat: p.Chat, Message: p.Question}, 1); err != nil {
			if err := d.Chats.Drop(t.Context(), p.Ref()); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := d.Chats.Commit(t.Context(), p.Ref(), m.Attempt, chat.Result{Status: chat.Done, Text: "An answer.", Finish: "stop"}); err != nil {
			t.Fatalf("commit: %v", err)
		}
		answers++
	}
	return answers
}

type item = map[string]types.AttributeValue

// rows returns everything that a user has in a table.
func (d *desk) rows(t *testing.T, table, user string) []item {
	t.Helper()
	out, err := d.DB.Query(t.Context(), &dynamodb.QueryInput{TableName: &table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("PK = :p"),
		ExpressionAttributeValues: item{":p": &types.AttributeValueMemberS{Value: "U#" + user}}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Items
}

func text(it item, name string) string {
	switch v := it[name].(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	}
	return ""
}

// file gives a user a file that can be sent, of fileSize bytes, and returns its id.
func (d *desk) file(t *testing.T, user string) string {
	t.Helper()
	name := id.New(time.Now())
	str := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	_, err := d.DB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &d.FilesTable, Item: item{
		"PK": str("U#" + user), "SK": str("F#" + name), "st": str("ready"), "n": str("notes.txt"), "t": str("text/plain"), "k": str("text"),
		"s": &types.AttributeValueMemberN{Value: fmt.Sprint(fileSize)}}})
	if err != nil {
		t.Fatal(err)
	}
	return name
}

const fileSize = 1000

// tally counts what a user has: chats, questions, replies with rows of their own,
// the messages that were counted against limits, the files that questions show,
// and as how many attachments and bytes they count.
type tally struct{ Chats, Questions, Replies, Used, Shown, Attached, Counted, Bytes int }

func (d *desk) tally(t *testing.T, user string) (n tally) {
	t.Helper()
	whole := func(it item, name string) (v int) {
		if s := text(it, name); s != "" {
			if err := json.Unmarshal([]byte(s), &v); err != nil {
				t.Fatal(err)
			}
		}
		return v
	}
	for _, it := range d.rows(t, d.FilesTable, user) {
		switch kind, _, _ := strings.Cut(text(it, "SK"), "#"); kind {
		case "F":
			n.Counted += whole(it, "ac")
		case "A":
			n.Attached++
		case "D":
			n.Bytes += whole(it, "n")
		}
	}
	for _, it := range d.rows(t, d.ChatsTable, user) {
		if list, ok := it["fi"].(*types.AttributeValueMemberL); ok {
			n.Shown += len(list.Value)
		}
		switch kind, _, _ := strings.Cut(text(it, "SK"), "#"); {
		case kind == "C":
			n.Chats++
		case kind == "M" && text(it, "r") == "u":
			n.Questions++
		case kind == "M":
			n.Replies++
		case kind == "Q":
			n.Used += whole(it, "used")
		}
	}
	return n
}

// user makes up somebody and logs them in.
func (d *desk) user(t *testing.T, plan quota.Plan) (user, token string) {
	t.Helper()
	user = id.New(time.Now())
	return user, d.realm.Token(t, user, plan)
}

// noise is text that hardly compresses.
func noise(n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[rand.IntN(len(letters))]
	}
	return string(b)
}
