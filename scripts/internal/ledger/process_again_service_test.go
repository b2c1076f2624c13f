//go:build service

package ledger_test

import (
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"parley/shared/object/objecttest"
)

// accident deletes an object by its key, or with all of its versions.
func (m *mill) accident(t *testing.T, key string, versions bool) {
	t.Helper()
	in := []s3.DeleteObjectInput{{Bucket: &m.Files, Key: &key}}
	if versions {
		in = nil
		for _, v := range objecttest.Versions(t, m.s3, m.Files, key) {
			in = append(in, s3.DeleteObjectInput{Bucket: &m.Files, Key: v.Key, VersionId: v.VersionId})
		}
	}
	for _, d := range in {
		if _, err := m.s3.DeleteObject(t.Context(), &d); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWhatWasMadeIsMadeAgain delivers the events of ready files once more, after an
// accident, as admin files repair does.
func TestWhatWasMadeIsMadeAgain(t *testing.T) {
	m := newMill(t)
	e := m.start(t)
	text, image := m.upload(t, "a.txt", lines(1000)), m.upload(t, "a.png", picture(t))
	for _, versions := range []bool{false, true} {
		for _, c := range []struct {
			u    upload
			made string
		}{{text, "text/text/plain"}, {image, "picture"}, {image, "thumbnail"}} {
			if done, err := deliver(t.Context(), e, c.u.event); err != nil || !done {
				t.Fatalf("%s: acknowledged %v, %v", c.made, done, err)
			}
			before, key := m.file(t, c.u), "derived/"+c.u.SHA256+"/"+c.made
			was := m.body(t, key)
			m.accident(t, key, versions)
			if done, err := deliver(t.Context(), e, c.u.event); err != nil || !done {
				t.Fatalf("%s, once more: acknowledged %v, %v", c.made, done, err)
			}
			if is := m.body(t, key); is != was || is == "" {
				t.Errorf("%s has %d bytes, had %d", c.made, len(is), len(was))
			}
			if d := cmp.Diff(before, m.file(t, c.u)); d != "" {
				t.Errorf("%s: the row has changed: %s", c.made, d)
			}
			m.wantStored(t, c.u, 1)
		}
	}
}

func (m *mill) body(t *testing.T, key string) string {
	t.Helper()
	out, err := m.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &m.Files, Key: &key})
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
