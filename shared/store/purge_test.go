package store_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/problem"
	"parley/shared/store"
)

const (
	oneBody = `<ListVersionsResult><IsTruncated>false</IsTruncated><Version><Key>bodies/u/c/m</Key><VersionId>null</VersionId></Version></ListVersionsResult>`
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
