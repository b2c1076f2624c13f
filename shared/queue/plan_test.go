package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/config"
	"parley/shared/id"
	"parley/shared/quota"
)

// several is an SQS of queues of lengths; what is sent is counted by queue.
type several struct {
	lengths map[string]int // of those that waits, hidden ones are ten times as many
	takes   time.Duration

	mu   sync.Mutex
	sent map[string]int
}

func (s *several) Do(r *http.Request) (*http.Response, error) {
	var in struct{ QueueUrl string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	time.Sleep(s.takes)
	s.mu.Lock()
	defer s.mu.Unlock()
	name, body := path.Base(in.QueueUrl), `{"MessageId":"m"}`
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetQueueAttributes") {
		n, ok := s.lengths[name]
		if !ok {
			return nil, errors.New("there is no such queue")
		}
		body = fmt.Sprintf(`{"Attributes":{"ApproximateNumberOfMessages":"%d","ApproximateNumberOfMessagesNotVisible":"%d"}}`, n, 10*n)
	} else {
		s.sent[name]++
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func (s *several) lanes(used int, names ...string) Lanes {
	client := sqs.New(sqs.Options{Region: "us-east-1", HTTPClient: s, BaseEndpoint: aws.String("http://sqs"), DisableMessageChecksumValidation: true,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	urls := make([]string, len(names))
	for i, name := range names {
		urls[i] = "http://sqs/" + name
	}
	return open(client, urls, used)
}

// A chat's prompts always go to the same queue, chats spread evenly over those that
// are used, and none goes to another.
func TestChatsSpreadOverQueues(t *testing.T) {
	s := &several{sent: map[string]int{}}
	plans := Plans{quota.Free: s.lanes(3, "a", "b", "c", "d", "e")}
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	const chats = 3000
	for range chats {
		p := prompt()
		p.Chat = id.New(at) // of the same millisecond: only what is random in it differs
		for range 2 {
			if err := plans.Send(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{"a", "b", "c"} {
		if n := s.sent[name]; n%2 != 0 || n < 2*chats/3*85/100 || n > 2*chats/3*115/100 {
			t.Errorf("%d of %d prompts are in %s: %v", n, 2*chats, name, s.sent)
		}
	}
	if len(s.sent) != 3 {
		t.Errorf("sent to %v", s.sent)
	}
}

// Every process and every release finds the same lane for a chat.
func TestTheLaneOfAChatStays(t *testing.T) {
	for chat, want := range map[string][3]int{"01KC3WK0V7F1Q3C8B6D2ZJ5N9H": {0, 0, 0}, "01KC3WJ9S2Q9N5X5Y2GZ0T8R4M": {0, 1, 5}} {
		if got := [3]int{laneOf(chat, 1), laneOf(chat, 2), laneOf(chat, 8)}; got != want {
			t.Errorf("%s: lanes %v of 1, 2 and 8, want %v", chat, got, want)
		}
	}
}

func TestNoMoreQueuesAreUsedThanThereAre(t *testing.T) {
	for _, c := range []struct{ used, queues, want int }{{0, 2, 1}, {-1, 1, 1}, {1, 3, 1}, {8, 3, 3}} {
		s := &several{sent: map[string]int{}}
		lanes := s.lanes(c.used, []string{"a", "b", "c"}[:c.queues]...)
		for range 100 {
			p := prompt()
			if err := lanes.Send(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
		if len(s.sent) != c.want || len(lanes.All()) != c.queues {
			t.Errorf("%d of %d: sent to %v", c.used, c.queues, s.sent)
		}
	}
	if err := (Plans{}).Send(t.Context(), prompt()); err == nil {
		t.Error("a prompt of a plan without queues was sent")
	}
}

// A plan's depth is that of all queues that are read, asked side by side.
func TestDepthIsOfAllQueues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &several{lengths: map[string]int{"a": 1, "b": 20, "c": 300}, takes: 100 * time.Millisecond}
		began := time.Now()
		waiting, hidden, err := s.lanes(1, "a", "b", "c").Depth(t.Context())
		if took := time.Since(began); waiting != 321 || hidden != 3210 || err != nil || took != s.takes {
			t.Errorf("%d wait, %d are hidden, %v, in %v", waiting, hidden, err, took)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	s := &several{lengths: map[string]int{"a": 1}}
	if waiting, _, err := s.lanes(1, "a", "gone").Depth(ctx); err == nil || waiting != 0 {
		t.Errorf("a part of the depth is told for the whole: %d, %v", waiting, err)
	}
}

func TestQueuesAreReadFromTheEnvironment(t *testing.T) {
	t.Setenv("QUEUE_URLS_FREE", "http://sqs/1,http://sqs/2")
	t.Setenv("QUEUE_URLS_PREMIUM", "http://sqs/3")
	t.Setenv("QUEUES_USED_FREE", "2")
	set, err := config.Load[Settings]()
	plans := set.Plans(nil)
	if err != nil || len(plans[quota.Free].All()) != 2 || plans[quota.Free].used != 2 || len(plans[quota.Premium].All()) != 1 {
		t.Errorf("%+v, %v", set, err)
	}
	t.Setenv("QUEUE_URLS_PREMIUM", "")
	if _, err := config.Load[Settings](); err == nil {
		t.Error("premium prompts have nowhere to go")
	}
}
