//go:build service

package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/object"
	"parley/shared/object/objecttest"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

// TestFilesCommands finds bytes that nobody refers to, and a key that is nobody's.
func TestFilesCommands(t *testing.T) {
	b := newBench(t)
	client, name := objecttest.Bucket(t)
	db, table, chats := storetest.Tables(t)
	b.files, b.bucket = store.NewFiles(db, table, chats), object.New(client, name)
	b.now = func() time.Time { return time.Now().Add(time.Hour) }
	b.grace = time.Minute
	for _, key := range []string{"blobs/" + strings.Repeat("0a", 32), "blobs/read\u202eme"} {
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: &key, Body: bytes.NewReader([]byte("abc"))})
		if err != nil {
			t.Fatal(err)
		}
	}
	const strange = "strange_object  key blobs/readme: Parley writes no such key; not repaired: "
	out, err := b.do(t, checkFiles)
	if !errors.Is(err, errDiffer) || !strings.Contains(out, "unreferenced    blob 0a0a") || !strings.Contains(out, strange) ||
		!strings.Contains(out, "0 files, 0 blobs, 2 objects: 2 differences; admin files repair") {
		t.Errorf("check: %v\n%s", err, out)
	}
	if _, err := b.do(t, repairFiles); err != errNotConfirmed || len(objecttest.Versions(t, client, name, "")) != 2 {
		t.Errorf("repair without consent: %v", err)
	}
	b.yes, b.json = true, true
	out, err = b.do(t, repairFiles)
	if !errors.Is(err, errDiffer) || !strings.Contains(out, `"repaired":true`) || !strings.Contains(out, `"found":2,"repaired":1`) ||
		len(objecttest.Versions(t, client, name, "")) != 1 {
		t.Errorf("repair: %v\n%s", err, out)
	}
	if log := b.log.String(); strings.Count(log, `"who":"operator"`) != 1 || !strings.Contains(log, "repair unreferenced: blob 0a0a") {
		t.Errorf("log: %s", log)
	}
}
