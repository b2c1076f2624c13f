//go:build service

package object_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/object"
	"parley/shared/object/objecttest"
)

// shelf is a bucket with what a look at the whole of it should find.
func shelf(t *testing.T) (*object.Bucket, func(key, body string)) {
	t.Helper()
	client, name := objecttest.Bucket(t)
	return object.New(client, name), func(key, body string) {
		t.Helper()
		var err error
		if body != "" {
			_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: &key, Body: strings.NewReader(body)})
		} else { // a deletion by the key alone
			_, err = client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &name, Key: &key})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// list is what a walk finds, a line for each key.
func list(t *testing.T, walk func(context.Context, func(object.Object) error) error) (lines []string) {
	t.Helper()
	err := walk(t.Context(), func(o object.Object) error {
		if time.Since(o.Since) > time.Minute || o.Since.IsZero() {
			t.Errorf("%s: since %v", o.Key, o.Since)
		}
		lines = append(lines, fmt.Sprintf("%.8s %s %d %v %d %s", o.SHA, o.File.ID, o.Size, o.Hidden, o.Versions, o.File.User))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

func TestALookAtTheWholeBucket(t *testing.T) {
	b, put := shelf(t)
	one, two := strings.Repeat("0a", 32), strings.Repeat("1b", 32)
	user, upload := id.New(time.Now()), id.New(time.Now())
	put("blobs/"+one, "first")
	put("blobs/"+one, "second one")
	put("blobs/"+two, "x")
	put("blobs/"+two, "")
	put("blobs/strange", "y")
	put("derived/"+one+"/text", "t")
	put("incoming/"+user+"/"+upload, "in")
	put("incoming/else", "no upload")
	blobs := func(prefix string) []string {
		return list(t, func(ctx context.Context, fn func(object.Object) error) error { return b.Blobs(ctx, prefix, fn) })
	}
	if d := cmp.Diff([]string{"  1 false 1 ", "0a0a0a0a  10 false 2 ", "1b1b1b1b  1 true 2 "}, blobs("")); d != "" {
		t.Errorf("blobs: %s", d)
	}
	if d := cmp.Diff([]string{"1b1b1b1b  1 true 2 "}, blobs("1")); d != "" {
		t.Errorf("those with 1: %s", d)
	}
	derived := list(t, func(ctx context.Context, fn func(object.Object) error) error { return b.Derived(ctx, "0", fn) })
	if d := cmp.Diff([]string{"0a0a0a0a  1 false 1 "}, derived); d != "" {
		t.Errorf("derived: %s", d)
	}
	if _, err := b.Start(t.Context(), file.File{User: user, ID: id.New(time.Now()), Size: 9 << 20}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"  9 false 1 ", " " + upload + " 2 false 1 " + user, " begun 0 false 0 " + user}, incoming(t, b)); d != "" {
		t.Errorf("incoming: %s", d)
	}
	if err := b.Restore(t.Context(), two); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff([]string{"1b1b1b1b  1 false 1 "}, blobs("1")); d != "" {
		t.Errorf("restored: %s", d)
	}
	if err := b.Restore(t.Context(), "1b"); err == nil {
		t.Error("what is no SHA-256 was restored")
	}
}

// incoming is list with the id of the upload in parts replaced.
func incoming(t *testing.T, b *object.Bucket) []string {
	t.Helper()
	var lines []string
	for _, l := range list(t, b.Incoming) {
		if strings.Contains(l, " 0 false 0 ") {
			words := strings.Fields(l)
			l = " begun 0 false 0 " + words[len(words)-1]
		}
		lines = append(lines, l)
	}
	return lines
}
