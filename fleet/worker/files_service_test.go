//go:build service

package main_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/fleet/fleettest"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/model"
	"parley/shared/object"
	"parley/shared/passage"
	"parley/shared/store"
)

// keepFiles makes a bucket and puts there what the stack's shelf has of these files.
func (s *site) keepFiles(t *testing.T, ids ...string) {
	t.Helper()
	cfg, err := store.AWS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	name := "files-" + strings.ToLower(id.New(time.Now()))
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(name)}); err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "FILES_TABLE="+s.FilesTable, "FILES_BUCKET="+name)
	bucket := object.New(client, name)
	for _, fileID := range ids {
		f, err := s.Files.File(t.Context(), s.User, fileID)
		if err != nil {
			t.Fatal(err)
		}
		body, kind, err := s.Shelf.Picture(t.Context(), f.SHA256)
		if err == nil && f.Kind == "image" {
			err = bucket.PutPictures(t.Context(), f.SHA256, kind, body, body)
		} else if err == nil {
			err = bucket.PutText(t.Context(), f.SHA256, f.ContentType, body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// The worker as it is deployed gets files from the table and the bucket, and knows
// from the table of models which of them see.
func TestTheWorkerReadsFiles(t *testing.T) {
	s := newSite(t)
	const models = `[{"name":"eyes","engine_model":"small","vision":true},{"name":"blind","engine_model":"small"}]`
	table, err := model.Parse(models)
	if err != nil {
		t.Fatal(err)
	}
	s.Sender.Models = table
	doc := s.Document(s.User, "a.pdf", passage.Page{Number: 1, Text: "The password is swordfish."})
	cat := s.Image(s.User, "cat.png", []byte("a picture"))
	s.keepFiles(t, doc, cat)
	s.work("MODELS=" + models)
	first := s.Send(chat.Question{Text: "What?", Model: "eyes", Attachments: []string{doc, cat}})
	s.follow(first, func() {})
	second := s.Send(chat.Question{Chat: first.Chat, Text: "And now?", Model: "blind"})
	s.follow(second, func() {})
	all := s.engine.Requests()
	if len(all) != 2 {
		t.Fatalf("the engine was asked %d times", len(all))
	}
	for i, pictures := range []int{1, 0} {
		m := all[i].Messages[1]
		if m.Images != pictures || !strings.Contains(m.Content, "[a.pdf, page 1]\nThe password is swordfish.") || strings.Contains(m.Content, "can't see") != (pictures == 0) {
			t.Errorf("request %d: %d images, %q", i+1, m.Images, m.Content)
		}
	}
	if n := strings.Count(string(all[0].Body), "data:image/jpeg;base64,YSBwaWN0dXJl"); n != 1 || strings.Contains(string(all[1].Body), "data:image") {
		t.Errorf("the picture was sent %d times", n)
	}
	for _, ref := range []chat.Ref{first, second} {
		fleettest.Await(t, 10*time.Second, "the reply is done", func() bool { return s.row(ref).Status == chat.Done })
	}
}
