package queue

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/chat"
)

// Dead is the queue of prompts that were given up, on their way to whoever ends their
// replies. Its messages may be received so often that those which wait outlive a day;
// what nobody will ever read uses that up at once, and is parked.
type Dead struct {
	client *sqs.Client
	url    string
	log    *slog.Logger
}

// NewDead opens the queue at that URL.
func NewDead(client *sqs.Client, url string, log *slog.Logger) *Dead {
	return &Dead{client: client, url: url, log: log}
}

// Consume makes a function of what is done with one prompt. While ready says that it
// isn't time for that, prompts are given back for some minutes. One that can't be read
// comes again at once, until the queue parks it for operators. What fails otherwise
// is as with any Consumer.
func (q *Dead) Consume(ready func(context.Context) error, do func(context.Context, chat.Prompt) error) Consumer {
	handle := Consume(q.log, Decode, do)
	return func(ctx context.Context, ev events.SQSEvent) (events.SQSEventResponse, error) {
		wait := ready(ctx)
		var due events.SQSEvent
		var failed []events.SQSBatchItemFailure
		for _, m := range ev.Records {
			_, unreadable := Decode(m.Body)
			if wait == nil && unreadable == nil {
				due.Records = append(due.Records, m)
				continue
			}
			pause := time.Duration(0)
			if unreadable != nil {
				q.log.ErrorContext(ctx, "a prompt can't be read; it comes again until it is parked", "message_id", m.MessageId, "error", unreadable.Error())
			} else {
				pause = later(m)
				q.log.WarnContext(ctx, "a prompt has to wait", "message_id", m.MessageId, "pause", pause.String(), "error", wait.Error())
			}
			giveBack(ctx, q.client, q.url, m, pause, q.log)
			failed = append(failed, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
		out, err := handle(ctx, due)
		out.BatchItemFailures = append(out.BatchItemFailures, failed...)
		return out, err
	}
}

// later is how long a prompt waits: a minute more each time, up to a quarter of an hour.
func later(m events.SQSMessage) time.Duration {
	times, _ := strconv.Atoi(m.Attributes["ApproximateReceiveCount"]) // 0 if SQS doesn't say
	return time.Duration(min(max(times, 1), 15)) * time.Minute
}

// giveBack makes a message visible after a pause. If that fails, it is after the
// queue's time-out.
func giveBack(ctx context.Context, client *sqs.Client, url string, m events.SQSMessage, pause time.Duration, log *slog.Logger) {
	_, err := client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &url, ReceiptHandle: &m.ReceiptHandle, VisibilityTimeout: int32(pause / time.Second)})
	if err != nil {
		log.WarnContext(ctx, "a message was not given back in time", "message_id", m.MessageId, "error", err.Error())
	}
}
