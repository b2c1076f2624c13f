package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/ingest"
)

// Again queues an arrival once more, as S3 would: for operators, who find that one
// was lost. One call.
func (q *Arrivals) Again(ctx context.Context, a ingest.Arrival) error {
	object := map[string]any{"key": url.QueryEscape(a.Key), "versionId": a.Version}
	body, err := json.Marshal(map[string]any{"Records": []map[string]any{{
		"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
		"s3": map[string]any{"bucket": map[string]string{"name": q.bucket}, "object": object},
	}}})
	if err != nil {
		return fmt.Errorf("encode arrival: %w", err)
	}
	_, err = q.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: aws.String(string(body))})
	return away("send arrival", err)
}
