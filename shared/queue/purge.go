package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/id"
)

// PurgeJob asks for the removal of a chat's messages or, with no chat, of
// everything that a user has.
type PurgeJob struct {
	Version int    `json:"v"`
	User    string `json:"user"`
	Chat    string `json:"chat,omitempty"`
}

// settle is longer than any function runs, so that what was being written when
// the job was queued is there to be purged.
const settle = time.Minute

// Purges is the queue of purge jobs.
type Purges struct {
	client *sqs.Client
	url    string
}

// NewPurges opens the queue at that URL.
func NewPurges(client *sqs.Client, url string) *Purges { return &Purges{client: client, url: url} }

// Purge queues the removal of a chat, or of everything of a user if chat is
// empty. It is carried out a minute later. One call.
func (q *Purges) Purge(ctx context.Context, user, chat string) error {
	body, err := json.Marshal(PurgeJob{Version: 1, User: user, Chat: chat})
	if err != nil {
		return fmt.Errorf("encode purge job: %w", err)
	}
	_, err = q.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &q.url, MessageBody: aws.String(string(body)), DelaySeconds: int32(settle / time.Second)})
	return away("send purge job", err)
}

// DecodePurge strictly reads a job.
func DecodePurge(body string) (PurgeJob, error) {
	var j PurgeJob
	if err := json.Unmarshal([]byte(body), &j); err != nil {
		return j, invalid(fmt.Errorf("decode purge job: %w", err))
	}
	if j.Version != 1 || !id.Valid(j.User) || j.Chat != "" && !id.Valid(j.Chat) {
		return j, invalid(fmt.Errorf("purge job of version %d for user %.40q", j.Version, j.User))
	}
	return j, nil
}
