package main

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// wire is as much of SQS's protocol as the dead-letter commands use.
type wire struct {
	mu     sync.Mutex
	queues map[string][]string // bodies; a message's id is its index
	hidden map[string]bool
	groups []string
}

func (w *wire) ServeHTTP(res http.ResponseWriter, req *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var in struct {
		QueueUrl, MessageBody, MessageGroupId, ReceiptHandle string
		Entries                                              []struct{ ReceiptHandle string }
	}
	_ = json.NewDecoder(req.Body).Decode(&in)
	_, action, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	var out any = struct{}{}
	switch action {
	case "ReceiveMessage":
		out = map[string]any{"Messages": w.receive(in.QueueUrl)}
	case "SendMessage":
		w.queues[in.QueueUrl] = append(w.queues[in.QueueUrl], in.MessageBody)
		w.groups = append(w.groups, in.MessageGroupId)
		out = map[string]any{"MessageId": "new", "MD5OfMessageBody": sum(in.MessageBody)}
	case "GetQueueAttributes":
		out = map[string]any{"Attributes": map[string]string{"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0"}}
	case "DeleteMessage":
		w.queues["parked"][int(in.ReceiptHandle[0]-'0')] = ""
	case "ChangeMessageVisibilityBatch":
		for _, e := range in.Entries {
			delete(w.hidden, e.ReceiptHandle)
		}
	}
	res.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(res).Encode(out)
}

func (w *wire) receive(url string) []map[string]any {
	var out []map[string]any
	for i, body := range w.queues[url] {
		receipt := fmt.Sprint(i)
		if body == "" || w.hidden[receipt] {
			continue
		}
		w.hidden[receipt] = true
		out = append(out, map[string]any{"MessageId": "m" + receipt, "ReceiptHandle": receipt, "Body": body, "MD5OfBody": sum(body),
			"Attributes": map[string]string{"SentTimestamp": "1767323045000", "ApproximateReceiveCount": "6"}})
	}
	return out
}

func sum(s string) string {
	h := md5.Sum([]byte(s))
	return hex.EncodeToString(h[:])
}

const (
	ulid1, ulid2 = "01K0000000000000000000000A", "01K0000000000000000000000B"
	aPrompt      = `{"v":1,"user":"` + ulid1 + `","chat":"` + ulid2 + `","question":"` + ulid1 + `","reply":"` + ulid2 + `","plan":"free","hour":"2026010203","deadline":"2026-01-02T03:04:05Z"}`
	aFile        = `{"v":2,"user":"` + ulid1 + `","file":"` + ulid2 + `","sha256":"` + aSHA + `"}`
	aSHA         = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	anArrival    = `{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","eventTime":"2026-01-02T03:04:05Z",
		"s3":{"bucket":{"name":"files"},"object":{"key":"incoming/` + ulid1 + `/` + ulid2 + `","size":3,"versionId":"v"}}}]}`
	aPurge   = `{"v":1,"user":"` + ulid1 + `","chat":"` + ulid2 + `"}`
	anIndex  = `{"v":1,"index":"` + ulid1 + `"}`
	aRebuild = `{"v":1,"index":"` + ulid1 + `","broken":"` + aSHA + `"}`
)

func deadQueue(t *testing.T) (*wire, dead) {
	w := &wire{queues: map[string][]string{"parked": {aPrompt, "nonsense", aPurge, aFile, anArrival, anIndex, aRebuild}}, hidden: map[string]bool{}}
	s := httptest.NewServer(w)
	t.Cleanup(s.Close)
	client := sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: aws.String(s.URL),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	return w, dead{sqs: client, parked: "parked", prompts: "prompts", purges: "purges", arrivals: "arrivals", indexes: "indexes", files: "files"}
}

func TestLookSeesEachOnceAndGivesBack(t *testing.T) {
	w, q := deadQueue(t)
	for range 2 {
		var got []string
		err := q.look(t.Context(), "parked", func(m message) (bool, error) {
			got = append(got, m.ID+" "+m.Kind+" "+m.home+" "+m.About)
			return false, nil
		})
		if want := "m0 prompt prompts reply " + ulid2 + ",m1 unreadable  ,m2 purge purges chat " + ulid2 +
			",m3 purge purges file " + ulid2 + ",m4 arrival arrivals upload incoming/" + ulid1 + "/" + ulid2 +
			",m5 index indexes history,m6 index indexes segment " + aSHA; err != nil || strings.Join(got, ",") != want {
			t.Errorf("%v, %v; want %s", got, err, want)
		}
	}
	if len(w.hidden) != 0 {
		t.Errorf("still hidden: %v", w.hidden)
	}
}

func TestMoveKeepsBodyAndGroup(t *testing.T) {
	w, q := deadQueue(t)
	err := q.look(t.Context(), "parked", func(m message) (bool, error) {
		if m.home == "" {
			return false, nil
		}
		return true, q.move(context.Background(), "parked", m)
	})
	if err != nil || w.queues["prompts"][0] != aPrompt || w.queues["purges"][0] != aPurge || w.queues["purges"][1] != aFile || w.queues["arrivals"][0] != anArrival {
		t.Errorf("%v: %v", err, w.queues)
	}
	if got := w.queues["indexes"]; len(got) != 2 || got[0] != anIndex || got[1] != aRebuild || len(w.queues["purges"]) != 2 {
		t.Errorf("index jobs are in %v", w.queues)
	}
	if w.queues["parked"][0] != "" || w.queues["parked"][1] != "nonsense" || w.queues["parked"][2] != "" {
		t.Errorf("left in the queue: %q", w.queues["parked"])
	}
	if w.groups[0] != ulid1 || w.groups[1] != "" {
		t.Errorf("groups %q", w.groups)
	}
}
