package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"parley/shared/queue"
)

// dead is the queues of what was given up. SQS could move all messages back by
// itself (StartMessageMoveTask), but would neither tell whose they were, which
// the audit needs, nor move one alone.
type dead struct {
	sqs             *sqs.Client
	parked          string // what no function could handle
	prompts, purges string // where fail-reply and purge take their work from
	arrivals        string // where process-upload does
	indexes         string // and where index-history
	files           string // the bucket whose arrivals those are
}

// looking is how long messages are hidden while they are looked at: long enough
// to see each only once, short enough to be there for the next command.
const looking = 10 * time.Second

// message is one that was given up.
type message struct {
	ID       string    `json:"message_id"`
	Kind     string    `json:"kind"` // prompt, purge, index, arrival, unreadable
	User     string    `json:"user,omitempty"`
	About    string    `json:"about,omitempty"`
	Sent     time.Time `json:"sent"`
	Receives int       `json:"receives"`
	Body     string    `json:"body"`

	receipt string
	home    string // queue that a redrive puts it in; empty: none
}

func (q dead) url(name string) (string, error) {
	switch name {
	case "parked":
		return q.parked, nil
	case "dead":
		return q.prompts, nil
	}
	return "", fmt.Errorf("there is no queue %q: parked or dead", name)
}

// look receives every message once and calls fn with it; those that fn doesn't
// take are given back to the queue at the end.
func (q dead) look(ctx context.Context, url string, fn func(message) (taken bool, err error)) (err error) {
	var seen []types.ChangeMessageVisibilityBatchRequestEntry
	defer func() { q.giveBack(context.WithoutCancel(ctx), url, seen) }()
	for end := time.Now().Add(looking / 2); time.Now().Before(end); {
		out, err := q.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, VisibilityTimeout: int32(looking / time.Second),
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			return fmt.Errorf("receive from %s: %w", url, err)
		}
		if len(out.Messages) == 0 {
			return nil
		}
		for _, m := range out.Messages {
			taken, err := fn(q.read(m))
			if err != nil {
				return err
			}
			if !taken {
				seen = append(seen, types.ChangeMessageVisibilityBatchRequestEntry{
					Id: aws.String(strconv.Itoa(len(seen))), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0})
			}
		}
	}
	return nil
}

// giveBack shows messages to others again; if that fails, they show up by
// themselves a little later.
func (q dead) giveBack(ctx context.Context, url string, seen []types.ChangeMessageVisibilityBatchRequestEntry) {
	for len(seen) > 0 {
		n := min(len(seen), 10)
		_, _ = q.sqs.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &url, Entries: seen[:n]})
		seen = seen[n:]
	}
}

func (q dead) read(m types.Message) message {
	sent, _ := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64) // ms; 0 if SQS doesn't say
	receives, _ := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	out := message{ID: aws.ToString(m.MessageId), Kind: "unreadable", Sent: time.UnixMilli(sent).UTC(), Receives: receives,
		Body: aws.ToString(m.Body), receipt: aws.ToString(m.ReceiptHandle)}
	if p, err := queue.Decode(out.Body); err == nil {
		out.Kind, out.User, out.About, out.home = "prompt", p.User, "reply "+p.Reply, q.prompts
	} else if j, err := queue.DecodePurge(out.Body); err == nil {
		out.Kind, out.User, out.home = "purge", j.User, q.purges
		out.About = aboutPurge(j)
	} else if j, err := queue.DecodeIndex(out.Body); err == nil {
		out.Kind, out.User, out.home = "index", j.User, q.indexes
		out.About = aboutIndex(j)
	} else if all, err := queue.DecodeArrivals(out.Body, q.files); err == nil && len(all) > 0 {
		out.Kind, out.About, out.home = "arrival", "upload "+all[0].Key, q.arrivals
	}
	return out
}

func aboutPurge(j queue.PurgeJob) string {
	switch {
	case j.File != "":
		return "file " + j.File
	case j.Chat != "":
		return "chat " + j.Chat
	}
	return "everything"
}

func aboutIndex(j queue.IndexJob) string {
	switch {
	case j.Anew:
		return "history, anew"
	case j.Broken != "":
		return "segment " + j.Broken
	}
	return "history"
}

// move queues a message where it is handled, and only then removes it here.
func (q dead) move(ctx context.Context, from string, m message) error {
	in := &sqs.SendMessageInput{QueueUrl: &m.home, MessageBody: &m.Body}
	if m.Kind == "prompt" {
		in.MessageGroupId = &m.User
	}
	if _, err := q.sqs.SendMessage(ctx, in); err != nil {
		return fmt.Errorf("queue message %s again: %w", m.ID, err)
	}
	if _, err := q.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &from, ReceiptHandle: &m.receipt}); err != nil {
		return fmt.Errorf("message %s is queued again, but still here as well: %w", m.ID, err)
	}
	return nil
}
