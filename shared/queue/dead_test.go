package queue

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"parley/shared/chat"
	"parley/shared/problem"
)

// Prompts wait while the region isn't ready, some minutes each time, and those that
// can't be read don't wait with them.
func TestDeadPromptsWaitUntilTheRegionIsReady(t *testing.T) {
	var ev events.SQSEvent
	add := func(id, body, times string) {
		ev.Records = append(ev.Records, events.SQSMessage{MessageId: id, ReceiptHandle: id, Body: body, Attributes: map[string]string{"ApproximateReceiveCount": times}})
	}
	final, away := prompt(), prompt()
	add("first", encode(t, prompt()), "1")
	add("third", encode(t, prompt()), "3")
	add("always", encode(t, prompt()), "250")
	add("uncounted", encode(t, prompt()), "")
	add("unreadable", "unreadable", "7")
	add("final", encode(t, final), "1")
	add("away", encode(t, away), "1")
	behind := errors.New("not caught up")
	for _, c := range []struct {
		ready  error
		done   int
		hidden hidden
		failed []string
	}{
		{behind, 0, hidden{"first": 60, "third": 180, "always": 900, "uncounted": 60, "unreadable": 0, "final": 60, "away": 60},
			[]string{"always", "away", "final", "first", "third", "uncounted", "unreadable"}},
		{nil, 6, hidden{"unreadable": 0}, []string{"away", "unreadable"}},
	} {
		h, done := hidden{}, 0
		client := sqs.New(sqs.Options{Region: "us-east-1", HTTPClient: h, BaseEndpoint: aws.String("http://sqs"),
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
		consume := NewDead(client, "http://sqs/q", slog.New(slog.DiscardHandler)).Consume(
			func(context.Context) error { return c.ready },
			func(_ context.Context, p chat.Prompt) error {
				done++
				switch p.Reply {
				case final.Reply:
					return problem.New(problem.NotFound, "gone", "…")
				case away.Reply:
					return problem.New(problem.Unavailable, "away", "…")
				}
				return nil
			})
		out, err := consume(t.Context(), ev)
		var failed []string
		for _, f := range out.BatchItemFailures {
			failed = append(failed, f.ItemIdentifier)
		}
		slices.Sort(failed)
		if d := cmp.Diff(c.hidden, h) + cmp.Diff(c.failed, failed); d != "" || done != c.done || err != nil {
			t.Errorf("ready %v: %d done, %v%s", c.ready, done, err, d)
		}
	}
}
