package queue

import (
	"context"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"parley/shared/problem"
)

// Consumer is a function on a queue.
type Consumer func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)

// Consume makes a function of what is done with one message. A message that can
// be tried again is reported to SQS, and so is one that can't be read: after its
// last delivery it is parked for operators. Any other failure is final: it is
// logged and the message acknowledged.
func Consume[T any](log *slog.Logger, decode func(body string) (T, error), do func(context.Context, T) error) Consumer {
	return func(ctx context.Context, ev events.SQSEvent) (events.SQSEventResponse, error) {
		out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		for _, m := range ev.Records {
			job, err := decode(m.Body)
			again := err != nil
			if err == nil {
				err = do(ctx, job)
				again = problem.Retryable(err)
			}
			if err != nil {
				log.ErrorContext(ctx, "message failed", "message_id", m.MessageId, "again", again,
					"code", problem.From(err).Code, "error", err.Error())
			}
			if again {
				out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			}
		}
		return out, nil
	}
}
