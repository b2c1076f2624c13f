//go:build service

package ledger_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"parley/scripts/internal/ledger"
	"parley/shared/chat"
	"parley/shared/quota"
	"parley/shared/region"
	"parley/shared/store"
	"parley/shared/usage"
)

// The compiled function fails the reply of a prompt that was given up and notes its
// usage; where there are several regions, not before this one has caught up.
func TestAPromptThatWasGivenUp(t *testing.T) {
	d := newDesk(t)
	user, token := d.user(t, quota.Free)
	receipt, _ := d.mustSend(t, ask(token, "1", object{"text": "Does anybody answer?"}))
	take := func(url string) types.Message {
		t.Helper()
		for { // SQS may take its time
			out, err := d.SQS.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 5, VisibilityTimeout: 60})
			if err != nil || len(out.Messages) > 1 {
				t.Fatalf("%d prompts, %v", len(out.Messages), err)
			}
			if len(out.Messages) == 1 {
				return out.Messages[0]
			}
		}
	}
	if _, err := d.SQS.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &d.Queues.Dead, MessageBody: take(d.Queues.Free).Body}); err != nil {
		t.Fatal(err)
	}
	dead := take(d.Queues.Dead)
	event, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{MessageId: *dead.MessageId, ReceiptHandle: *dead.ReceiptHandle, Body: *dead.Body, EventSource: "aws:sqs",
		Attributes: map[string]string{"ApproximateReceiveCount": "1"}}}})
	if err != nil {
		t.Fatal(err)
	}
	silent(t, d.Chats)
	for _, step := range []struct {
		env  []string
		done bool
		want chat.Status
	}{
		{[]string{"REGIONS=us-east-1,eu-central-1", "ACCOUNTS_REGION=us-east-1"}, false, chat.Queued},
		{nil, true, chat.Failed},
	} {
		e, err := d.Start(t.Context(), "fail-reply", step.env...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		d.Recorder.Reset(nil)
		if done, err := deliver(t.Context(), e, event); done != step.done || err != nil {
			t.Errorf("%q: acknowledged %v, %v", step.env, done, err)
		}
		calls, err := d.Recorder.Calls()
		if back := slices.ContainsFunc(calls, givenBack); back == step.done || err != nil {
			t.Errorf("%q: given back %v, %v", step.env, back, err)
		}
		if m, err := d.Chats.Message(t.Context(), chatRef(user, receipt)); err != nil || m.Status != step.want {
			t.Errorf("%q: the reply is %s, %v", step.env, m.Status, err)
		}
	}
	records, err := usage.Read(t.Context(), d.UsageFiles(), time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil || len(records) != 1 || records[0].Reply != receipt.Reply || records[0].Status != chat.Failed {
		t.Errorf("usage %+v, %v", records, err)
	}
}

// givenBack is a call that hides a message for some time of its own.
func givenBack(c ledger.Call) bool {
	return c.Operation == "ChangeMessageVisibility" && c.Status == 200
}

// silent has this region's last sign of life be an hour old.
func silent(t *testing.T, chats *store.Chats) {
	t.Helper()
	last := time.Now().Add(-time.Hour)
	if err := chats.Beat(t.Context(), region.Beat{Region: "us-east-1", At: last, Since: last}, region.Beat{}); err != nil {
		t.Fatal(err)
	}
}
