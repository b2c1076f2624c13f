package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/chat"
	"parley/shared/quota"
)

// fakeSQS answers GetQueueAttributes with a length, after a while.
type fakeSQS struct {
	length atomic.Int64
	calls  atomic.Int64
	takes  time.Duration // longer than a minute: never answers
}

func (f *fakeSQS) Do(r *http.Request) (*http.Response, error) {
	f.calls.Add(1)
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case <-time.After(f.takes):
	}
	body := fmt.Sprintf(`{"Attributes":{"ApproximateNumberOfMessages":"%d","ApproximateNumberOfMessagesNotVisible":"3"}}`, f.length.Load())
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func (f *fakeSQS) plans() Plans {
	client := sqs.New(sqs.Options{Region: "us-east-1", HTTPClient: f, BaseEndpoint: aws.String("http://sqs"),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	return Plans{quota.Free: NewLanes(1, New(client, "http://sqs/q"))}
}

// paces is a fleet that has measured that, or can't be asked.
type paces chat.Pace

func (p paces) Pace(context.Context, quota.Plan, time.Time) (chat.Pace, error) {
	if p.Tokens < 0 {
		return chat.Pace{}, errors.New("the table is away")
	}
	return chat.Pace(p), nil
}

// Twenty messages of 500 tokens wait; 250 tokens a second are read and written.
func TestOutlookIsFromTokens(t *testing.T) {
	for name, c := range map[string]struct {
		pace paces
		want chat.Outlook
	}{
		"measured":      {paces{Tokens: 250, Each: 500}, chat.Outlook{Ahead: 20, ETA: 40}},
		"no worker":     {paces{}, chat.Outlook{Ahead: 20}},
		"no table":      {paces{Tokens: -1}, chat.Outlook{Ahead: 20}},
		"a part second": {paces{Tokens: 9000, Each: 500}, chat.Outlook{Ahead: 20, ETA: 2}},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeSQS{}
			f.length.Store(20)
			if got := NewLookout(f.plans(), c.pace, time.Now).Outlook(t.Context(), quota.Free); got != c.want {
				t.Errorf("%s: %+v, want %+v", name, got, c.want)
			}
		})
	}
}

// Nobody waits for a look but who has nothing else; nobody looks twice in ten
// seconds.
func TestOneLooksForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeSQS{takes: 300 * time.Millisecond}
		look := NewLookout(f.plans(), paces{Tokens: 1, Each: 1}, time.Now)
		began := time.Now()
		if _, known := look.Glance(quota.Free); known || time.Since(began) > 0 {
			t.Errorf("known %v after %v", known, time.Since(began))
		}
		for range 10 {
			if look.Outlook(t.Context(), quota.Free); time.Since(began) != f.takes {
				t.Errorf("waited until %v", time.Since(began))
			}
		}
		f.length.Store(9)
		time.Sleep(sightLife)
		began = time.Now()
		old, known := look.Glance(quota.Free)
		if old.Ahead != 0 || !known || time.Since(began) > 0 || f.calls.Load() != 1 {
			t.Errorf("%+v, %v, after %v and %d calls", old, known, time.Since(began), f.calls.Load())
		}
		time.Sleep(time.Second)
		if now, _ := look.Glance(quota.Free); now.Ahead != 9 || f.calls.Load() != 2 {
			t.Errorf("%+v after %d calls", now, f.calls.Load())
		}
		time.Sleep(2 * time.Minute)
		if _, known := look.Glance(quota.Free); known {
			t.Error("what was seen two minutes ago counts")
		}
		synctest.Wait()
		time.Sleep(time.Second)
	})
}

// A message is accepted by then, and its sender waits.
func TestAnOutlookIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeSQS{takes: time.Hour}
		look := NewLookout(f.plans(), paces{}, time.Now)
		began := time.Now()
		if got := look.Outlook(t.Context(), quota.Free); got != (chat.Outlook{}) || time.Since(began) > patience {
			t.Errorf("%+v after %v", got, time.Since(began))
		}
	})
}
