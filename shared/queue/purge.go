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

// A job is carried out when nothing can be written any more that it would miss:
// for a chat, when every function that was at it has ended; for a user, when the
// access tokens that were given out before have expired.
const (
	settleChat = time.Minute
	settleUser = 15 * time.Minute // SQS's longest delay
)

// Purges is the queue of purge jobs.
type Purges struct {
	client *sqs.Client
	url    string
}

// NewPurges opens the queue at that URL.
func NewPurges(client *sqs.Client, url string) *Purges { return &Purges{client: client, url: url} }

// Purge queues the removal of a chat, or of everything of a user if chat is
// empty, to be carried out once all is quiet. One call.
func (q *Purges) Purge(ctx context.Context, user, chat string) error {
	body, err := json.Marshal(PurgeJob{Version: 1, User: user, Chat: chat})
	if err != nil {
		return fmt.Errorf("encode purge job: %w", err)
	}
	settle := settleChat
	if chat == "" {
		settle = settleUser
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
