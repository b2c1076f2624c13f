//go:build service

package scenario

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/id"
	"parley/shared/store"
)

// What can't be read among prompts that were given up doesn't wait as long as those
// may, but is soon where operators find it.
func TestWhatNobodyCanReadIsParkedSoon(t *testing.T) {
	cfg, err := store.AWS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	queues, body := sqs.NewFromConfig(cfg), "no prompt "+id.New(time.Now())
	if _, err := queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(need(t, "QUEUE_URL_DEAD")), MessageBody: &body}); err != nil {
		t.Fatal(err)
	}
	parked := need(t, "QUEUE_URL_PARKED")
	waitUntil(t, 2*time.Minute, "it is parked", func() bool {
		out, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &parked, MaxNumberOfMessages: 10, WaitTimeSeconds: 5, VisibilityTimeout: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			if aws.ToString(m.Body) != body {
				continue
			}
			if _, err := queues.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &parked, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Error(err)
			}
			return true
		}
		return false
	})
}
