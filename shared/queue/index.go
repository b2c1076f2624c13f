package queue

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/go-json-experiment/json"

	"parley/shared/id"
)

// IndexJob asks for a user's history to be indexed, as far as it isn't.
type IndexJob struct {
	User   string
	Anew   bool   // all of it
	Broken string // name of a segment that couldn't be read: all of it, if that is still so
}

// indexJob is an IndexJob as the queue has it. The user stands by another name than in
// a PurgeJob: parked, both lie in one queue, and one that could be read as the other
// would have all of a user removed.
type indexJob struct {
	Version int    `json:"v"` // 1
	User    string `json:"index"`
	Anew    bool   `json:"anew,omitzero"`
	Broken  string `json:"broken,omitempty"`
}

// Indexes is the queue of jobs that index histories.
type Indexes struct {
	client *sqs.Client
	url    string
}

// NewIndexes opens the queue at that URL.
func NewIndexes(client *sqs.Client, url string) *Indexes { return &Indexes{client: client, url: url} }

// Index queues a job. One call.
func (q *Indexes) Index(ctx context.Context, j IndexJob) error { return q.Later(ctx, j, 0) }

// Later queues a job to be carried out after so long, SQS's 15 minutes at most. One call.
func (q *Indexes) Later(ctx context.Context, j IndexJob, after time.Duration) error {
	body, err := json.Marshal(indexJob{Version: 1, User: j.User, Anew: j.Anew, Broken: j.Broken})
	if err != nil {
		return fmt.Errorf("encode index job: %w", err)
	}
	_, err = q.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: aws.String(string(body)), DelaySeconds: int32(after / time.Second)})
	return away("send index job", err)
}

// Depth returns about how many jobs wait, and how many are under way. One call.
func (q *Indexes) Depth(ctx context.Context) (waiting, running int, err error) {
	return depth(ctx, q.client, q.url)
}

// DecodeIndex strictly reads a job.
func DecodeIndex(body string) (IndexJob, error) {
	var j indexJob
	if err := json.Unmarshal([]byte(body), &j, json.RejectUnknownMembers(true)); err != nil {
		return IndexJob{}, invalid(fmt.Errorf("decode index job: %w", err))
	}
	if name, err := hex.DecodeString(j.Broken); j.Version != 1 || !id.Valid(j.User) || err != nil || len(name) != 0 && len(name) != 32 {
		return IndexJob{}, invalid(fmt.Errorf("index job of version %d for user %.40q", j.Version, j.User))
	}
	return IndexJob{User: j.User, Anew: j.Anew, Broken: j.Broken}, nil
}
