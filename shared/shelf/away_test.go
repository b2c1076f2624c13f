package shelf_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/problem"
	"parley/shared/search"
	"parley/shared/shelf"
)

const user = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

// transport answers in S3's place.
type transport func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, body io.Reader, length int64) (*http.Response, error) {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(body), ContentLength: length}, nil
}

// hanging gives nothing until whoever reads has had enough.
type hanging struct{ r *http.Request }

// Read implements io.Reader.
func (h hanging) Read([]byte) (int, error) {
	<-h.r.Context().Done()
	return 0, h.r.Context().Err()
}

// Storage that is away is told in bounded time; it isn't taken for a broken segment.
func TestStorageAway(t *testing.T) {
	g := search.Segment{Name: strings.Repeat("0a", 32), Bytes: 10 << 20, Docs: 1, First: user, Last: user}
	for name, f := range map[string]transport{
		"refuses":      func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") },
		"says nothing": func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() },
		"is too busy": func(*http.Request) (*http.Response, error) {
			return answer(503, strings.NewReader("<Error><Code>SlowDown</Code></Error>"), -1)
		},
		"keeps us out": func(*http.Request) (*http.Response, error) {
			return answer(403, strings.NewReader("<Error><Code>AccessDenied</Code></Error>"), -1)
		},
		"stops midway": func(r *http.Request) (*http.Response, error) { return answer(206, hanging{r}, 1<<20) },
		"has lost itself": func(*http.Request) (*http.Response, error) {
			return answer(404, strings.NewReader("<Error><Code>NoSuchBucket</Code></Error>"), -1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := s3.New(s3.Options{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), HTTPClient: &http.Client{Transport: f}})
				s, err := shelf.New(client, "index", t.TempDir(), 1<<20)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range []struct {
					what  string
					do    func() error
					limit time.Duration
				}{
					{"open", func() error { _, _, err := s.Open(t.Context(), user, g); return err }, 6 * time.Second},
					{"add", func() error {
						_, err := s.Add(t.Context(), user, []search.Document{{Doc: search.Doc{Chat: user, Message: user}, Text: "words"}})
						return err
					}, 61 * time.Second},
					{"merge", func() error {
						_, err := s.Merge(t.Context(), user, []search.Segment{g, g}, func(search.Doc) bool { return false })
						return err
					}, 61 * time.Second},
				} {
					if c.what == "add" && name == "stops midway" {
						continue // nothing is read there
					}
					began := time.Now()
					err := c.do()
					if problem.From(err).Kind != problem.Unavailable || errors.Is(err, search.ErrCorrupt) {
						t.Errorf("%s: %v", c.what, err)
					}
					if took := time.Since(began); took > c.limit {
						t.Errorf("%s: took %v", c.what, took)
					}
				}
			})
		})
	}
}
