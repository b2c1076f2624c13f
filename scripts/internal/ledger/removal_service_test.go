//go:build service

package ledger_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"parley/scripts/internal/ledger"
	"parley/scripts/internal/runtimeapi"
	"parley/shared/auth/authtest"
	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/quota"
)

// copies are what functions that remove bytes are told of other regions: nothing, or
// that S3 copies both buckets there.
var copies = map[string][]string{"alone": nil, "copied": {"BODIES_COPIED=true", "FILES_COPIED=true"}}

// gone is what a bucket has instead of objects that were removed: nothing, or, where it
// is copied, the marks by which S3 removes the copies.
func gone(env []string, keys ...string) []string {
	if env == nil {
		return nil
	}
	for i := range keys {
		keys[i] += " deleted"
	}
	slices.Sort(keys)
	return keys
}

// put lays an object down where somebody was cut off before its removal.
func (m *mill) put(t *testing.T, bucket, key string) {
	t.Helper()
	if _, err := m.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("something")}); err != nil {
		t.Fatal(err)
	}
}

func (m *mill) wantKept(t *testing.T, bucket string, want []string) {
	t.Helper()
	if d := cmp.Diff(want, keptIn(t, m.s3, bucket, "")); d != "" {
		t.Errorf("in %s: %s", bucket, d)
	}
}

// TestAllOfAUserGoes hands the compiled function the job of somebody who has left: with
// an image, an upload that nobody has processed, a copy in vain that stayed behind, a
// question that its row couldn't take, a completion that wasn't kept, and segments.
func TestAllOfAUserGoes(t *testing.T) {
	for name, env := range copies {
		t.Run(name, func(t *testing.T) {
			m := newMill(t)
			d := &desk{Rig: m.Rig, realm: authtest.New(t, time.Now)}
			d.realm.Publish(t, m.Accounts)
			user, token := d.user(t, quota.Premium)
			ofUser := func(f *file.File) { f.User = user }
			image := m.upload(t, "a.png", picture(t), ofUser)
			m.settle(t, image)
			m.upload(t, "b.txt", lines(1000), ofUser)
			m.put(t, m.Files, "passing/"+user+"/"+id.New(time.Now()))
			long, _ := d.mustSend(t, ask(token, "", object{"text": noise(500_000)}))
			body := "bodies/" + user + "/" + long.Chat + "/" + long.Message
			if got := keptIn(t, m.s3, m.Bucket, ""); !slices.Equal(got, []string{body}) {
				t.Fatalf("the long question is %q", got)
			}
			m.put(t, m.Bucket, fmt.Sprintf("passing/%s/%s/%s/asked", user, id.New(time.Now()), id.New(time.Now())))
			for range 2 {
				m.put(t, m.Index, "segments/"+user+"/"+id.New(time.Now()))
			}
			other := m.upload(t, "c.txt", lines(1000))
			left := m.settle(t, other)

			e, err := m.Start(t.Context(), "purge", env...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(e.Close)
			for range 2 { // a job may come twice
				if done, err := deliver(t.Context(), e, jobEvent(t, `{"v":1,"user":"`+user+`"}`)); err != nil || !done {
					t.Fatalf("acknowledged %v, %v", done, err)
				}
			}
			want := append(gone(env, "blobs/"+image.SHA256, "derived/"+image.SHA256+"/picture", "derived/"+image.SHA256+"/thumbnail"),
				"blobs/"+left.SHA256, "derived/"+left.SHA256+"/text/text/plain") // somebody else's
			slices.Sort(want)
			m.wantKept(t, m.Files, want)
			m.wantKept(t, m.Bucket, gone(env, body))
			m.wantKept(t, m.Index, nil)
			if rows := append(d.rows(t, m.FilesTable, user), d.rows(t, m.ChatsTable, user)...); len(rows) != 0 {
				t.Errorf("rows are left: %v", rows)
			}
		})
	}
}

// TestAFileThatIsDeletedWhileItIsRead has its user delete it just before the first of
// its pictures is kept. Whoever removes it has nothing to find yet: what comes then, the
// function removes itself.
func TestAFileThatIsDeletedWhileItIsRead(t *testing.T) {
	for name, env := range copies {
		t.Run(name, func(t *testing.T) {
			m := newMill(t)
			e := m.start(t, env...)
			u := m.upload(t, "a.png", picture(t))
			var deleted atomic.Bool
			m.Recorder.Reset(func(s ledger.Stage, c ledger.Call) bool {
				kept := s == ledger.Before && c.Service == ledger.S3 && c.Operation == "PUT" && c.Nth > 1 // the first is the blob
				if kept && deleted.CompareAndSwap(false, true) {
					f, err := m.rows.Delete(t.Context(), u.User, u.ID)
					if err = errors.Join(err, m.rows.Release(t.Context(), f)); err != nil {
						t.Error(err)
					}
				}
				return true
			})
			done, err := deliver(t.Context(), e, u.event)
			m.Recorder.Reset(nil)
			if err != nil || !done || !deleted.Load() {
				t.Fatalf("acknowledged %v, %v; deleted: %v", done, err, deleted.Load())
			}
			m.wantKept(t, m.Files, gone(env, "blobs/"+u.SHA256, "derived/"+u.SHA256+"/picture", "derived/"+u.SHA256+"/thumbnail"))
			if n := m.references(t, u.SHA256); n != -1 {
				t.Errorf("%d files count at the blob", n)
			}
		})
	}
}

// TestWhatWasNeverSentMakesRoom has somebody begin uploads until their plan is full and
// send nothing: a day later there is room again, without a schedule that makes it.
func TestWhatWasNeverSentMakesRoom(t *testing.T) {
	m := newMill(t)
	d := &desk{Rig: m.Rig, realm: authtest.New(t, time.Now)}
	d.realm.Publish(t, m.Accounts)
	user, token := d.user(t, quota.Free)
	limit := quota.Of(quota.Free, quota.Limits{}).StorageBytes
	begun := func(at time.Time, size int64) {
		f := file.File{ID: id.New(at), User: user, Name: "disk.img", Size: size, ContentType: "application/octet-stream",
			SHA256: hexSum([]byte("disk")), Status: file.Uploading, CreatedAt: at, ExpiresAt: at.Add(file.UploadLife)}
		if err := m.rows.Create(t.Context(), f, limit); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	begun(now.Add(-2*file.UploadLife), limit/2)
	begun(now.Add(-file.UploadLife/2), limit/2)
	e, err := m.Start(t.Context(), "upload")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	wish := func(size int64, want int) {
		t.Helper()
		body := fmt.Sprintf(`{"name":"new.bin","size":%d,"content_type":"application/octet-stream","sha256":"%s"}`, size, hexSum([]byte(id.New(now))))
		res, err := runtimeapi.Call(t.Context(), e, runtimeapi.Request{Method: "POST", Path: "/v1/uploads", Body: body,
			Header: map[string]string{"Authorization": "Bearer " + token}})
		if err != nil || res.Status != want {
			t.Fatalf("%d bytes: %d %s, %v; want %d", size, res.Status, res.Body, err, want)
		}
	}
	wish(file.MaxSize, 201)
	if used, err := m.rows.Used(t.Context(), user); err != nil || used != limit/2+file.MaxSize {
		t.Errorf("%d bytes are taken, %v", used, err)
	}
	begun(now, limit-limit/2-file.MaxSize)
	wish(file.MaxSize, 422) // what may still be sent keeps its room
}
