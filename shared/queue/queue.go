// Package queue carries prompts to the fleet and jobs to functions over SQS.
//
// A message holds ids only: what is to be done is read from the table, and the
// table's word decides. So it does no harm that SQS may deliver a message twice,
// or that a sender in doubt sends it again.
package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/problem"
	"parley/shared/trace"
)

// batch is how many messages SQS takes in one call.
const batch = 10

// Prompts is one queue of prompts.
type Prompts struct {
	client *sqs.Client
	url    string

	// Hide is how long Receive hides what it brings (whole seconds); 0: for the queue's
	// own visibility time-out.
	Hide time.Duration
}

// New opens the queue at that URL.
func New(client *sqs.Client, url string) *Prompts { return &Prompts{client: client, url: url} }

// Send queues a prompt; when it returns, SQS has it. The user is the message
// group, which makes the queue fair among users; the trace that ctx belongs to goes
// along as an attribute. One call.
func (q *Prompts) Send(ctx context.Context, p chat.Prompt) error {
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode prompt: %w", err)
	}
	in := &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: aws.String(string(body)), MessageGroupId: &p.User}
	if parent := trace.From(ctx); parent != "" {
		in.MessageAttributes = map[string]types.MessageAttributeValue{trace.Header: {DataType: aws.String("String"), StringValue: &parent}}
	}
	_, err = q.client.SendMessage(ctx, in)
	return away("send prompt", err)
}

// Delivery is a prompt as received.
type Delivery struct {
	ID           string // of the message: the same each time that it is delivered
	Prompt       chat.Prompt
	Receipt      string // names this delivery to Delete and Extend; an older one of the message may not
	ReceiveCount int
	Body         string    // as received
	Err          error     // it can't be read: not ours, or ErrLater
	Sent         time.Time // to the queue; zero if SQS doesn't say
	Trace        string    // traceparent of the request that it came from; empty: it brought none
}

// ErrLater is a prompt that only a later release can read.
var ErrLater = errors.New("prompt of a later version")

// GoneError says that receipts name no delivery that is still hidden: the prompt
// has been deleted, or was delivered to somebody else by now.
type GoneError struct {
	Receipts []string
	Reason   string // in SQS's words, of the first
}

func (e *GoneError) Error() string {
	return fmt.Sprintf("%d receipts name nothing any more: %s", len(e.Receipts), e.Reason)
}

// Receive takes up to most prompts (10 at most), waiting for the first up to wait
// (20 s at most, whole seconds). They are hidden from others for a while, see Hide.
func (q *Prompts) Receive(ctx context.Context, most int, wait time.Duration) ([]Delivery, error) {
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: int32(min(most, batch)), WaitTimeSeconds: int32(wait / time.Second),
		VisibilityTimeout: int32(q.Hide / time.Second),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameApproximateReceiveCount, types.MessageSystemAttributeNameSentTimestamp},
		MessageAttributeNames: []string{trace.Header},
	})
	if err != nil {
		return nil, away("receive prompts", err)
	}
	deliveries := make([]Delivery, len(out.Messages))
	for i, m := range out.Messages {
		d := Delivery{ID: aws.ToString(m.MessageId), Receipt: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body)}
		d.Prompt, d.Err = Decode(d.Body)
		d.ReceiveCount, _ = strconv.Atoi(m.Attributes["ApproximateReceiveCount"]) // 0 if SQS doesn't say
		if ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64); err == nil {
			d.Sent = time.UnixMilli(ms)
		}
		if parent := aws.ToString(m.MessageAttributes[trace.Header].StringValue); trace.Valid(parent) {
			d.Trace = parent
		}
		deliveries[i] = d
	}
	return deliveries, nil
}

// Decode strictly reads a prompt.
func Decode(body string) (chat.Prompt, error) {
	var p chat.Prompt
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		return p, invalid(fmt.Errorf("decode prompt: %w", err))
	}
	if p.Version > chat.PromptVersion {
		return p, invalid(fmt.Errorf("%w: %d, this release reads up to %d", ErrLater, p.Version, chat.PromptVersion))
	}
	if p.Version < 1 {
		return p, invalid(fmt.Errorf("prompt of version %d", p.Version))
	}
	for _, v := range []string{p.User, p.Chat, p.Question, p.Reply} {
		if !id.Valid(v) {
			return p, invalid(fmt.Errorf("prompt with a bad id %.40q", v))
		}
	}
	if !p.Plan.Valid() || p.Deadline.IsZero() {
		return p, invalid(errors.New("prompt without plan or deadline"))
	}
	return p, nil
}

func invalid(err error) error {
	return problem.New(problem.Invalid, "bad_prompt", "This is no prompt that can be read.").Because(err)
}

// Delete removes prompts that are done with: one call for ten.
func (q *Prompts) Delete(ctx context.Context, receipts ...string) error {
	var errs []error
	for rest := receipts; len(rest) > 0; rest = rest[min(batch, len(rest)):] {
		entries := make([]types.DeleteMessageBatchRequestEntry, min(batch, len(rest)))
		for i := range entries {
			entries[i] = types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &rest[i]}
		}
		out, err := q.client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &q.url, Entries: entries})
		if err == nil && len(out.Failed) > 0 {
			err = fmt.Errorf("%d not deleted: %s", len(out.Failed), aws.ToString(out.Failed[0].Message))
		}
		errs = append(errs, away("delete prompts", err))
	}
	return errors.Join(errs...)
}

// Extend hides prompts for that long from now (whole seconds; 0 hands them back):
// one call for ten. The error is, or holds, a *GoneError for receipts that SQS
// refuses; what failed otherwise is unavailable, and may have been extended or not.
func (q *Prompts) Extend(ctx context.Context, visibility time.Duration, receipts ...string) error {
	var errs []error
	var gone GoneError
	for rest := receipts; len(rest) > 0; rest = rest[min(batch, len(rest)):] {
		entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, min(batch, len(rest)))
		for i := range entries {
			entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &rest[i], VisibilityTimeout: int32(visibility / time.Second)}
		}
		out, err := q.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.url, Entries: entries})
		if err == nil {
			err = gone.sort(rest, out.Failed)
		}
		errs = append(errs, away("extend prompts", err))
	}
	if len(gone.Receipts) > 0 {
		errs = append(errs, &gone)
	}
	return errors.Join(errs...)
}

// sort takes in the receipts that SQS refused for what they are; the others, that
// it didn't get to, are an error.
func (e *GoneError) sort(receipts []string, failed []types.BatchResultErrorEntry) error {
	var err error
	for _, f := range failed {
		i, bad := strconv.Atoi(aws.ToString(f.Id))
		if bad != nil || i < 0 || i >= len(receipts) || !f.SenderFault {
			err = fmt.Errorf("%d not extended: %s", len(failed), aws.ToString(f.Message))
			continue
		}
		if e.Receipts = append(e.Receipts, receipts[i]); e.Reason == "" {
			e.Reason = aws.ToString(f.Code) + " " + aws.ToString(f.Message)
		}
	}
	return err
}

// Depth returns about how many prompts wait for a worker, and how many are hidden
// because one has them. One call.
func (q *Prompts) Depth(ctx context.Context) (waiting, hidden int, err error) {
	return depth(ctx, q.client, q.url)
}

func depth(ctx context.Context, client *sqs.Client, url string) (waiting, hidden int, err error) {
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{
			types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible}})
	if err != nil {
		return 0, 0, away("read queue length", err)
	}
	waiting, err = strconv.Atoi(out.Attributes["ApproximateNumberOfMessages"])
	if err == nil {
		hidden, err = strconv.Atoi(out.Attributes["ApproximateNumberOfMessagesNotVisible"])
	}
	return waiting, hidden, err
}

func away(what string, err error) error {
	if err == nil {
		return nil
	}
	return problem.New(problem.Unavailable, "queue_unavailable", "The service is busy; please try again in a moment.").
		Because(fmt.Errorf("%s: %w", what, err))
}
