//go:build service

package store_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/quota"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

// bucket makes one on the embedded AWS that AWS_ENDPOINT_URL names.
func bucket(t *testing.T) (*s3.Client, string) {
	t.Helper()
	url := os.Getenv("AWS_ENDPOINT_URL")
	if url == "" {
		t.Fatal("AWS_ENDPOINT_URL is not set: `make test` starts an embedded AWS and sets it")
	}
	client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &url, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	name := "bodies-" + strings.ToLower(id.New(time.Now()))
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := client.DeleteBucket(context.Background(), &s3.DeleteBucketInput{Bucket: &name}); err != nil {
			t.Errorf("the bucket isn't empty: %v", err)
		}
	})
	return client, name
}

// TestABodyTooLargeForItsRowIsKeptWhole sends what a premium user may: it spills,
// comes back as it was, and is gone with its chat.
func TestABodyTooLargeForItsRowIsKeptWhole(t *testing.T) {
	db, _, table := storetest.Tables(t)
	objects, name := bucket(t)
	d := &desk{chats: store.NewChats(db, objects, table, name), user: id.New(time.Now()), now: time.Now()}
	d.Sender = &chat.Sender{Store: d.chats, Queue: d, Now: d.clock, NewID: id.New, Deadlines: map[quota.Plan]time.Duration{quota.Premium: time.Minute}}
	question, reply := noise(500_000), noise(400_000) // 1.5 MB of UTF-8 that hardly compresses
	r, err := d.Sender.Send(t.Context(), d.user, quota.Premium, quota.Of(quota.Premium, quota.Limits{}), chat.Question{Text: question})
	if err != nil {
		t.Fatal(err)
	}
	d.answer(t, r, reply)
	got := d.history(t, r.Chat)
	if len(got) != 2 || got[0].Text != question || got[1].Text != reply {
		t.Errorf("%d messages came back, of %d and %d bytes", len(got), len(got[0].Text), len(got[len(got)-1].Text))
	}
	if n := count(t, objects, name); n != 2 {
		t.Errorf("%d objects", n)
	}
	if err := d.chats.Purge(t.Context(), d.user, r.Chat); err != nil || count(t, objects, name) != 2 {
		t.Errorf("a chat that is still there was purged: %v", err)
	}
	if err := d.chats.DeleteChat(t.Context(), d.user, r.Chat); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a job may come twice
		if err := d.chats.Purge(t.Context(), d.user, r.Chat); err != nil {
			t.Fatal(err)
		}
	}
	ref := chat.Ref{User: d.user, Chat: r.Chat, Message: r.Question}
	if _, err := d.chats.Message(t.Context(), ref); !errors.Is(err, chat.ErrNoMessage) || count(t, objects, name) != 0 {
		t.Errorf("left after the purge: %v", err)
	}
}

func count(t *testing.T, objects *s3.Client, name string) int {
	t.Helper()
	out, err := objects.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(name)})
	if err != nil {
		t.Fatal(err)
	}
	return len(out.Contents)
}
