//go:build service

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/object"
	"parley/shared/object/objecttest"
	"parley/shared/queue"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

// house is the function over tables and buckets of its own.
type house struct {
	t       *testing.T
	handler queue.Consumer
	files   *store.Files
	bucket  *object.Bucket
	s3      *s3.Client
	name    string // of the files' bucket
	index   string // the bucket of segments
	chats   *store.Chats
}

func newHouse(t *testing.T) *house {
	t.Helper()
	db, _, chats := storetest.Tables(t)
	table := storetest.Table(t, db, "files")
	h := &house{t: t, files: store.NewFiles(db, table, chats)}
	h.s3, h.name = objecttest.Bucket(t)
	_, bodies := objecttest.Bucket(t)
	_, h.index = objecttest.Bucket(t)
	h.chats = store.NewChats(db, h.s3, chats, bodies)
	h.bucket = object.New(h.s3, h.name)
	for name, value := range map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": os.Getenv("DYNAMODB_URL"),
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"} {
		t.Setenv(name, value)
	}
	cfg, err := store.AWS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	set := settings{ChatsTable: chats, BodiesBucket: bodies, FilesTable: table, FilesBucket: h.name, IndexBucket: h.index}
	h.handler = build(set, cfg, slog.New(slog.DiscardHandler)).(queue.Consumer)
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// keep has a user send a file as far as ready, with all that lies in the bucket for
// it, and something that was sent twice.
func (h *house) keep(user, text string) file.File {
	h.t.Helper()
	sum, ctx := sha256.Sum256([]byte(text)), h.t.Context()
	f := file.File{ID: id.New(time.Now()), User: user, Name: "a.txt", Size: int64(len(text)), ContentType: "text/plain",
		SHA256: hex.EncodeToString(sum[:]), CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}
	h.must(h.files.Create(ctx, f, 1<<30))
	for range 2 {
		out, err := h.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: &h.name, Key: key(f), Body: bytes.NewReader([]byte(text))})
		h.must(err)
		f, err = h.files.Arrived(ctx, user, f.ID, *out.VersionId)
		h.must(err)
	}
	h.must(h.files.Hold(ctx, f))
	h.must(h.bucket.Copy(ctx, f))
	h.must(h.bucket.PutText(ctx, f.SHA256, "text/plain", []byte("text")))
	h.must(h.files.Ready(ctx, f))
	return f
}

func key(f file.File) *string {
	k := "incoming/" + f.User + "/" + f.ID
	return &k
}

// purge hands the function a job as the queue does.
func (h *house) purge(j queue.PurgeJob) {
	h.t.Helper()
	body, err := json.Marshal(j)
	h.must(err)
	out, err := h.handler(h.t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "1", Body: string(body)}}})
	if err != nil || len(out.BatchItemFailures) > 0 {
		h.t.Errorf("%+v: %+v, %v", j, out, err)
	}
}

func (h *house) versions() int { return len(objecttest.Versions(h.t, h.s3, h.name, "")) }

func TestPurgeRemovesAllVersionsOfADeletedFile(t *testing.T) {
	h := newHouse(t)
	ada, bob := id.New(time.Now()), id.New(time.Now())
	f, same := h.keep(ada, "something"), h.keep(bob, "something")
	before := h.versions()
	job := queue.PurgeJob{Version: 2, User: ada, File: f.ID, SHA256: f.SHA256}
	h.purge(job)
	if after := h.versions(); after != before {
		t.Errorf("a file that isn't deleted lost %d versions", before-after)
	}
	_, err := h.files.Delete(t.Context(), ada, f.ID)
	h.must(err)
	h.purge(job)
	h.purge(job)
	if after := h.versions(); after != before-2 { // what was sent, twice
		t.Errorf("%d versions of %d are left", after, before)
	}
	_, err = h.files.Delete(t.Context(), bob, same.ID)
	h.must(err)
	h.purge(queue.PurgeJob{Version: 2, User: bob, File: same.ID, SHA256: same.SHA256})
	h.empty()
}

func TestPurgeRemovesAllFilesOfAUser(t *testing.T) {
	h := newHouse(t)
	user := id.New(time.Now())
	for _, text := range []string{"one", "two", "two"} {
		h.keep(user, text)
	}
	h.purge(queue.PurgeJob{Version: 1, User: user})
	h.empty()
}

// A user's search index goes with them: what is indexed, and the row that says so.
func TestPurgeRemovesTheIndexOfAUser(t *testing.T) {
	h := newHouse(t)
	ada, bob := id.New(time.Now()), id.New(time.Now())
	for _, user := range []string{ada, bob} {
		for _, name := range []string{"one", "two"} {
			segment := "segments/" + user + "/" + name
			_, err := h.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &h.index, Key: &segment, Body: bytes.NewReader([]byte("words"))})
			h.must(err)
		}
		_, err := h.chats.SetIndexed(t.Context(), user, []byte("{}"), 0)
		h.must(err)
	}
	kept := func(user string) (objects int, row bool) {
		prefix := "segments/" + user + "/"
		out, err := h.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &h.index, Prefix: &prefix})
		h.must(err)
		manifest, _, err := h.chats.Indexed(t.Context(), user)
		h.must(err)
		return len(out.Contents), manifest != nil
	}
	for range 2 {
		h.purge(queue.PurgeJob{Version: 1, User: ada})
		if objects, row := kept(ada); objects != 0 || row {
			t.Errorf("%d segments are left, and a row: %t", objects, row)
		}
		if objects, row := kept(bob); objects != 2 || !row {
			t.Errorf("another user has %d segments, and a row: %t", objects, row)
		}
	}
}

// empty checks that nothing at all is left.
func (h *house) empty() {
	h.t.Helper()
	if n := h.versions(); n > 0 {
		h.t.Errorf("%d versions are left", n)
	}
	err := h.files.Scan(h.t.Context(), func(r store.Row) error {
		if r.Totals != nil && *r.Totals == (store.Totals{User: r.Totals.User, Changes: r.Totals.Changes}) {
			return nil
		}
		return errors.New("a row is left")
	})
	if err != nil {
		h.t.Error(err)
	}
}
