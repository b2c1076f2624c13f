package queue

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"parley/shared/ingest"
)

// outbox is an SQS that keeps what is sent.
type outbox struct{ body string }

func (o *outbox) Do(r *http.Request) (*http.Response, error) {
	var in struct{ MessageBody string }
	err := json.NewDecoder(r.Body).Decode(&in)
	o.body = in.MessageBody
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"MessageId":"m"}`)), Request: r}, err
}

func TestAnArrivalThatIsQueuedAgainReadsTheSame(t *testing.T) {
	o := &outbox{}
	client := sqs.New(sqs.Options{Region: "us-east-1", HTTPClient: o, BaseEndpoint: aws.String("http://sqs"), DisableMessageChecksumValidation: true,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	want := ingest.Arrival{Key: "incoming/01KC3WJ9S2Q9N5X5Y2GZ0T8R4M/01 +%ü", Version: "v.1"}
	if err := NewArrivals(client, "http://sqs/q", "files", nil).Again(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got, err := DecodeArrivals(o.body, "files")
	if d := cmp.Diff([]ingest.Arrival{want}, got); d != "" || err != nil {
		t.Errorf("%v %s\n%s", err, d, o.body)
	}
}
