package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"parley/shared/ingest"
	"parley/shared/problem"
)

// arrived is S3's event about an object, changed as a test likes.
func arrived(t testing.TB, key string, change ...func(record map[string]any, object map[string]any)) string {
	t.Helper()
	object := map[string]any{"key": key, "size": 33, "eTag": "bc42", "versionId": "096fKK", "sequencer": "0055"}
	record := map[string]any{"eventVersion": "2.1", "eventSource": "aws:s3", "eventTime": "2026-11-22T10:00:00.000Z", "eventName": "ObjectCreated:Put",
		"s3": map[string]any{"s3SchemaVersion": "1.0", "bucket": map[string]any{"name": "files"}, "object": object}}
	for _, c := range change {
		c(record, object)
	}
	body, err := json.Marshal(map[string]any{"Records": []any{record}})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestArrivalsAreReadAsS3WritesThem(t *testing.T) {
	want := ingest.Arrival{Key: "incoming/a b+c/ü", Version: "096fKK"}
	got, err := DecodeArrivals(arrived(t, "incoming/a+b%2Bc/%C3%BC"), "files")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]ingest.Arrival{want}, got); diff != "" {
		t.Error(diff)
	}
	got, err = DecodeArrivals(`{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-22T10:00:00.000Z","Bucket":"files","RequestId":"5582815E1AEA5ADF","HostId":"8cLeGAmw"}`, "files")
	if err != nil || got != nil {
		t.Errorf("a test event: %+v, %v", got, err)
	}
}

func TestTheEventForPeopleIsOne(t *testing.T) {
	raw, err := os.ReadFile("../../events/process-upload.json")
	if err != nil {
		t.Fatal(err)
	}
	var ev events.SQSEvent
	if err := json.Unmarshal(raw, &ev); err != nil {
		t.Fatal(err)
	}
	body := ev.Records[0].Body
	_, after, _ := strings.Cut(body, `"bucket":{"name":"`)
	bucket, _, _ := strings.Cut(after, `"`)
	got, err := DecodeArrivals(body, bucket)
	if err != nil || len(got) != 1 || !strings.HasPrefix(got[0].Key, "incoming/") {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatIsNoArrivalIsRefused(t *testing.T) {
	record := func(name string, value any) func(map[string]any, map[string]any) {
		return func(r, _ map[string]any) { r[name] = value }
	}
	object := func(name string, value any) func(map[string]any, map[string]any) {
		return func(_, o map[string]any) { o[name] = value }
	}
	for name, body := range map[string]string{
		"empty":            "",
		"no object":        "[]",
		"nothing":          "{}",
		"no records":       `{"Records":[]}`,
		"a test of both":   `{"Event":"s3:TestEvent","Records":[]}`,
		"another event":    `{"Event":"s3:Other"}`,
		"a removal":        arrived(t, "incoming/x", record("eventName", "ObjectRemoved:Delete")),
		"not of S3":        arrived(t, "incoming/x", record("eventSource", "aws:sns")),
		"another bucket":   arrived(t, "incoming/x", record("s3", map[string]any{"bucket": map[string]any{"name": "other"}})),
		"no key":           arrived(t, ""),
		"a bad key":        arrived(t, "incoming/%zz"),
		"no version":       arrived(t, "incoming/x", object("versionId", "")),
		"two, one of them": `{"Records":[` + strings.TrimSuffix(strings.TrimPrefix(arrived(t, "incoming/x"), `{"Records":[`), "]}") + `,{}]}`,
	} {
		if got, err := DecodeArrivals(body, "files"); problem.From(err) == nil || problem.From(err).Code != "bad_arrival" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func FuzzDecodeArrivals(f *testing.F) {
	f.Add(arrived(f, "incoming/01KC3WJ9S2Q9N5X5Y2GZ0T8R4M/01KC3WK0V7F1Q3C8B6D2ZJ5N9H"))
	f.Add(arrived(f, "incoming/a+b%2Bc/%C3%BC"))
	f.Add(`{"Event":"s3:TestEvent"}`)
	f.Fuzz(func(t *testing.T, body string) {
		all, err := DecodeArrivals(body, "files")
		for _, a := range all {
			if err != nil || a.Key == "" || a.Version == "" {
				t.Errorf("%+v, %v", a, err)
			}
		}
	})
}

// hidden is an SQS that notes for how long messages are hidden.
type hidden map[string]int

func (h hidden) Do(r *http.Request) (*http.Response, error) {
	var in struct {
		ReceiptHandle     string
		VisibilityTimeout int
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".ChangeMessageVisibility") {
		return nil, fmt.Errorf("%s: %v", r.Header.Get("X-Amz-Target"), err)
	}
	h[in.ReceiptHandle] = in.VisibilityTimeout
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

func TestArrivalsComeBackSoonerOrLater(t *testing.T) {
	h := hidden{}
	client := sqs.New(sqs.Options{Region: "us-east-1", HTTPClient: h, BaseEndpoint: aws.String("http://sqs"),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	consume := NewArrivals(client, "http://sqs/q", "files", slog.New(slog.DiscardHandler)).Consume(func(_ context.Context, a ingest.Arrival) error {
		switch a.Key {
		case "busy":
			return problem.New(problem.Unavailable, "away", "…").After(time.Hour)
		case "broken":
			return errors.New("a bug")
		case "pending":
			return ingest.ErrPending.After(7 * time.Second)
		case "final":
			return problem.New(problem.Invalid, "final", "…")
		}
		return nil
	})
	var ev events.SQSEvent
	add := func(id, body, times string) {
		ev.Records = append(ev.Records, events.SQSMessage{MessageId: id, ReceiptHandle: id, Body: body, Attributes: map[string]string{"ApproximateReceiveCount": times}})
	}
	for _, key := range []string{"fine", "busy", "broken", "pending", "final"} {
		add(key, arrived(t, key), "1")
	}
	add("later", arrived(t, "busy"), "3")
	add("always", arrived(t, "busy"), "900")
	add("uncounted", arrived(t, "busy"), "")
	add("unreadable", "unreadable", "2")
	add("test", `{"Event":"s3:TestEvent"}`, "1")
	out, err := consume(t.Context(), ev)
	if err != nil {
		t.Fatal(err)
	}
	want := hidden{"busy": 1, "broken": 1, "pending": 7, "later": 30, "always": 900, "uncounted": 1, "unreadable": 5}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Error(diff)
	}
	failed := map[string]bool{}
	for _, f := range out.BatchItemFailures {
		failed[f.ItemIdentifier] = true
	}
	for id := range want {
		if !failed[id] {
			t.Errorf("%s is acknowledged", id)
		}
	}
	if len(failed) != len(want) {
		t.Errorf("failed: %v", failed)
	}
}
