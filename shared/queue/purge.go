package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/id"
)

// PurgeJob asks for the removal of a chat's messages, of a file or, with neither, of
// everything that a user has. That of a file is of version 2: a release that knows
// no files would take it for a whole user's.
type PurgeJob struct {
	Version int    `json:"v"`
	User    string `json:"user"`
	Chat    string `json:"chat,omitempty"`
	File    string `json:"file,omitempty"`
	SHA256  string `json:"sha256,omitempty"` // of the file, in lower-case hex: its row may be gone before its bytes
}

// A job is carried out when nothing can be written any more that it would miss:
// for a chat or a file, when every function that was at it has ended; for a user,
// when the access tokens that were given out before have expired.
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
	settle := settleChat
	if chat == "" {
		settle = settleUser
	}
	return q.send(ctx, PurgeJob{Version: 1, User: user, Chat: chat}, settle)
}

// PurgeFile queues the removal of a file, to be carried out once all is quiet. One
// call.
func (q *Purges) PurgeFile(ctx context.Context, user, file, sha string) error {
	return q.send(ctx, PurgeJob{Version: 2, User: user, File: file, SHA256: sha}, settleChat)
}

func (q *Purges) send(ctx context.Context, j PurgeJob, settle time.Duration) error {
	body, err := json.Marshal(j)
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
	ofFile := j.Version == 2 && id.Valid(j.File) && len(j.SHA256) == 64 && strings.Trim(j.SHA256, "0123456789abcdef") == "" && j.Chat == ""
	ofChat := j.Version == 1 && j.File == "" && (j.Chat == "" || id.Valid(j.Chat))
	if !id.Valid(j.User) || !ofFile && !ofChat {
		return j, invalid(fmt.Errorf("purge job of version %d for user %.40q", j.Version, j.User))
	}
	return j, nil
}
