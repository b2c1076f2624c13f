package queue

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/id"
)

const aSegment = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// sent returns the body of the message that do sends.
func sent(t *testing.T, do func(*sqs.Client) error) string {
	t.Helper()
	var body string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ MessageBody string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		body = in.MessageBody
		io.WriteString(w, `{"MessageId":"m"}`)
	}))
	t.Cleanup(s.Close)
	err := do(sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: aws.String(s.URL), DisableMessageChecksumValidation: true,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestIndexJobsSurviveTheQueueAndAreNoOthers(t *testing.T) {
	user := id.New(prompt().Deadline)
	for _, want := range []IndexJob{{User: user}, {User: user, Anew: true}, {User: user, Broken: aSegment}} {
		body := sent(t, func(c *sqs.Client) error { return NewIndexes(c, "http://q").Index(t.Context(), want) })
		if got, err := DecodeIndex(body); err != nil || got != want {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
		if j, err := DecodePurge(body); err == nil {
			t.Errorf("%s would purge %+v", body, j)
		}
		if p, err := Decode(body); err == nil {
			t.Errorf("%s is the prompt %+v", body, p)
		}
	}
	body := sent(t, func(c *sqs.Client) error { return NewPurges(c, "http://q").Purge(t.Context(), user, "") })
	if j, err := DecodeIndex(body); err == nil {
		t.Errorf("%s would index %+v", body, j)
	}
}

func TestWhatIsNoIndexJobIsRefused(t *testing.T) {
	user := id.New(prompt().Deadline)
	for _, body := range []string{
		"", "[]", "{}", `{"v":2,"index":"` + user + `"}`, `{"index":"` + user + `"}`, `{"v":1,"index":"../other"}`,
		`{"v":1,"index":"` + user + `","broken":"abc"}`, `{"v":1,"index":"` + user + `","broken":"` + strings.Repeat("/", 64) + `"}`,
	} {
		if j, err := DecodeIndex(body); err == nil {
			t.Errorf("%s: %+v", body, j)
		}
	}
}
