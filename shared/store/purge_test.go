package store_test

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/problem"
	"parley/shared/store"
)

const (
	oneBody = `<ListVersionsResult><IsTruncated>false</IsTruncated><Version><Key>bodies/u/c/m</Key><VersionId>null</VersionId><IsLatest>true</IsLatest></Version></ListVersionsResult>`
	notGone = `<DeleteResult><Error><Key>bodies/u/c/m</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>`
)

// TestABodyThatStaysBehindIsNoPurge has S3 take the call and refuse its object,
// which it does with status 200.
func TestABodyThatStaysBehindIsNoPurge(t *testing.T) {
	objects := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		answer := oneBody
		if r.Method == http.MethodPost {
			answer = notGone
		}
		if _, err := io.WriteString(w, answer); err != nil {
			t.Error(err)
		}
	}))
	defer objects.Close()
	client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &objects.URL, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	err := store.NewChats(nil, client, "chats", "bodies").Purge(t.Context(), "u", "")
	if err == nil || !problem.Retryable(err) {
		t.Errorf("the job would be taken for done: %v", err)
	}
}

// TestAPurgeMarksBodiesThatAreCopied has S3 list one version: where it is copied, a mark
// is put on it before it goes.
func TestAPurgeMarksBodiesThatAreCopied(t *testing.T) {
	for copied, want := range map[bool][]string{false: {"bodies/u/c/m null"}, true: {"bodies/u/c/m ", "bodies/u/c/m null"}} {
		var removed []string
		objects := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/xml")
			answer := oneBody
			if !strings.HasPrefix(r.URL.Query().Get("prefix"), "bodies/") {
				answer = `<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>`
			}
			if r.Method == http.MethodPost {
				var ask struct {
					Object []struct{ Key, VersionId string }
				}
				if err := xml.NewDecoder(r.Body).Decode(&ask); err != nil {
					t.Error(err)
				}
				for _, o := range ask.Object {
					removed = append(removed, o.Key+" "+o.VersionId)
				}
				answer = `<DeleteResult/>`
			}
			if _, err := io.WriteString(w, answer); err != nil {
				t.Error(err)
			}
		}))
		client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &objects.URL, UsePathStyle: true,
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
		away := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: aws.String("http://127.0.0.1:1"), RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
		if err := store.NewChats(away, client, "chats", "bodies").Copied(copied).Purge(t.Context(), "u", ""); err == nil {
			t.Error("rows were purged of a table that is away")
		}
		objects.Close()
		if !slices.Equal(removed, want) {
			t.Errorf("copied %v: removed %q, want %q", copied, removed, want)
		}
	}
}
