package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/ingest"
	"parley/shared/problem"
)

// Arrivals is the queue of what S3 says of a bucket: that bytes have arrived.
type Arrivals struct {
	client *sqs.Client
	url    string
	bucket string
	log    *slog.Logger
}

// NewArrivals opens the queue at that URL, of what arrives in that bucket.
func NewArrivals(client *sqs.Client, url, bucket string, log *slog.Logger) *Arrivals {
	return &Arrivals{client: client, url: url, bucket: bucket, log: log}
}

// Consume makes a function of what is done with one arrival. What can be tried again
// comes back after a pause that grows with its number of deliveries (ingest.Pause),
// not after the queue's visibility time-out, which is for functions that have died;
// what can't be read comes back until the queue parks it for operators. Any other
// failure is final: it is logged and the message acknowledged.
func (q *Arrivals) Consume(do func(context.Context, ingest.Arrival) error) Consumer {
	return func(ctx context.Context, ev events.SQSEvent) (events.SQSEventResponse, error) {
		out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		for _, m := range ev.Records {
			if q.failed(ctx, m, do) {
				out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			}
		}
		return out, nil
	}
}

// failed handles one message and reports whether it is to come again.
func (q *Arrivals) failed(ctx context.Context, m events.SQSMessage, do func(context.Context, ingest.Arrival) error) bool {
	arrivals, err := DecodeArrivals(m.Body, q.bucket)
	again := err != nil
	for _, a := range arrivals {
		if err = do(ctx, a); err != nil {
			again = problem.Retryable(err)
			break
		}
	}
	if err == nil {
		return false
	}
	times, _ := strconv.Atoi(m.Attributes["ApproximateReceiveCount"]) // 0 if SQS doesn't say
	pause := ingest.Pause(err, times)
	q.log.Log(ctx, level(err), "arrival failed", "message_id", m.MessageId, "times", times, "again", again, "pause", pause.String(),
		"code", problem.From(err).Code, "error", err.Error())
	if again {
		giveBack(ctx, q.client, q.url, m, pause, q.log)
	}
	return again
}

// level is that of a failure in the log: to wait for a scanner is none.
func level(err error) slog.Level {
	if problem.From(err).Code == ingest.ErrPending.Code {
		return slog.LevelInfo
	}
	return slog.LevelError
}

// notification is what S3 writes, as far as it is read.
type notification struct {
	Event   string // of a message that is none of the Records
	Records []struct {
		EventSource string `json:"eventSource"`
		EventName   string `json:"eventName"`
		S3          struct {
			Bucket struct {
				Name string `json:"name"`
			} `json:"bucket"`
			Object struct {
				Key     string `json:"key"` // as in the query of a URL
				Version string `json:"versionId"`
			} `json:"object"`
		} `json:"s3"`
	}
}

// testEvent is what S3 sends when the queue is tied to the bucket.
const testEvent = "s3:TestEvent"

// DecodeArrivals strictly reads a message of S3's about that bucket: only objects
// that were made in it, with versions. A test event has none. What S3 adds to its
// records with time is passed over.
func DecodeArrivals(body, bucket string) ([]ingest.Arrival, error) {
	var n notification
	if err := json.Unmarshal([]byte(body), &n); err != nil {
		return nil, notAnArrival(err)
	}
	if n.Event == testEvent && n.Records == nil {
		return nil, nil
	}
	if len(n.Records) == 0 {
		return nil, notAnArrival(fmt.Errorf("no records; event %.40q", n.Event))
	}
	all := make([]ingest.Arrival, len(n.Records))
	for i, r := range n.Records {
		key, err := url.QueryUnescape(r.S3.Object.Key)
		if err != nil {
			return nil, notAnArrival(err)
		}
		if r.EventSource != "aws:s3" || !strings.HasPrefix(r.EventName, "ObjectCreated:") || r.S3.Bucket.Name != bucket {
			return nil, notAnArrival(fmt.Errorf("%.40q of %.40q in bucket %.80q", r.EventName, r.EventSource, r.S3.Bucket.Name))
		}
		all[i] = ingest.Arrival{Key: key, Version: r.S3.Object.Version}
		if key == "" || all[i].Version == "" {
			return nil, notAnArrival(fmt.Errorf("impossible object %+v", all[i]))
		}
	}
	return all, nil
}

func notAnArrival(err error) error {
	return problem.New(problem.Invalid, "bad_arrival", "This is no event of the files bucket.").Because(err)
}
