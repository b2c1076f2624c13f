//go:build service

package scenario

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/file"
	"parley/shared/store"
)

// TestADeletedAccountLeavesNoBytes closes the account of somebody with a document, an
// image and an upload that isn't complete. The job to remove them rests for as long as
// access tokens work; that is looked up, and the job given once more without a rest.
func TestADeletedAccountLeavesNoBytes(t *testing.T) {
	ada := newVisitor(t)
	book, view := ada.send(t, "handbook.pdf", "", handbook(t)), ada.send(t, "view.png", "", picture(t))
	half := ada.begins(t, long(file.PartSize+1000))
	for _, sha := range []string{book.SHA256, view.SHA256} {
		if n := len(left(t, sha)); n < 2 { // the bytes, and what was made of them
			t.Errorf("%d objects before the end", n)
		}
	}
	if len(lying(t, half)) != 1 {
		t.Error("the upload isn't there before the end")
	}
	me, err := ada.Me(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := ada.raw(t, "DELETE", "/v1/me", map[string]string{"password": ada.who.Password}); status != http.StatusAccepted {
		t.Fatalf("%d %v", status, answer)
	}
	again(t, purge(t, me.User.ID))
	waitUntil(t, 2*time.Minute, "nothing is left of what was sent", func() bool {
		return len(left(t, book.SHA256))+len(left(t, view.SHA256))+len(lying(t, half)) == 0
	})
	waitUntil(t, time.Minute, "no row is left", func() bool { return rows(t, me.User.ID) == 0 })
}

// begins sends the first part of data, and no more.
func (v *visitor) begins(t *testing.T, data []byte) (id string) {
	t.Helper()
	status, made := v.raw(t, "POST", "/v1/uploads", map[string]any{"name": "half.bin", "size": len(data),
		"content_type": "application/octet-stream", "sha256": strings.Repeat("5", 64)})
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, made)
	}
	put(t, made["parts"].([]any)[0].(map[string]any), data[:file.PartSize])
	return made["file_id"].(string)
}

// purge is the job that removes all of a user, which rests in its queue.
func purge(t *testing.T, user string) string {
	t.Helper()
	res, err := http.Get(need(t, "AWS_ENDPOINT_URL") + "/_ministack/sqs/messages?QueueUrl=" + url.QueryEscape(need(t, "QUEUE_URL_PURGE")))
	if err != nil {
		t.Fatal(err)
	}
	type message struct {
		Body                     string
		SentTimestamp, VisibleAt int64 // seconds
	}
	var queues struct {
		Messages map[string]map[string]map[string][]message // by account, region and URL
	}
	decode(t, res, &queues)
	for _, regions := range queues.Messages {
		for _, urls := range regions {
			for _, all := range urls {
				for _, m := range all {
					if m.Body != `{"v":1,"user":"`+user+`"}` {
						continue
					}
					if rest := time.Duration(m.VisibleAt-m.SentTimestamp) * time.Second; rest < 14*time.Minute || rest > 15*time.Minute {
						t.Errorf("the job rests for %v", rest)
					}
					return m.Body
				}
			}
		}
	}
	t.Fatal("no job removes what the user has")
	return ""
}

// again gives the function a job at once.
func again(t *testing.T, job string) {
	t.Helper()
	cfg, err := store.AWS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	in := &sqs.SendMessageInput{QueueUrl: aws.String(need(t, "QUEUE_URL_PURGE")), MessageBody: &job}
	if _, err := sqs.NewFromConfig(cfg).SendMessage(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// rows is how many of a user the table of files has.
func rows(t *testing.T, user string) (n int) {
	t.Helper()
	cfg, err := store.AWS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files := store.NewFiles(store.DynamoDB(cfg), need(t, "FILES_TABLE"), "")
	if err := files.User(t.Context(), user, func(store.Row) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}
