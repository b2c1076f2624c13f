//go:build service

package fileapi_test

import (
	"context"
	"sync"
	"testing"

	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/object"
)

// TestTenClientsCompleteOneUpload at the same time: the file is assembled once.
func TestTenClientsCompleteOneUpload(t *testing.T) {
	w := newWorld(t)
	b := content(file.PartSize + 1)
	a := w.sent(b, request(b))
	var clients sync.WaitGroup
	for range 10 {
		clients.Go(func() {
			f, err := w.uploads.Complete(t.Context(), w.ada, a.ID)
			if err != nil || f.Status != file.Processing {
				t.Errorf("%s, %v", f.Status, err)
			}
		})
	}
	clients.Wait()
	if n := w.versions("incoming/"); n != 1 {
		t.Errorf("%d versions", n)
	}
}

// overtaken is a bucket in which something happens just before it is looked at.
type overtaken struct {
	*object.Bucket
	by func()
}

// Arrival implements file.Inbox.
func (o overtaken) Arrival(ctx context.Context, f file.File) (file.Arrival, error) {
	o.by()
	return o.Bucket.Arrival(ctx, f)
}

// TestTheEventOvertakesTheClient has the file processed, and what was sent removed,
// between the two things that completing and resuming look at.
func TestTheEventOvertakesTheClient(t *testing.T) {
	for _, size := range []int{20, file.PartSize + 1} {
		for name, call := range map[string]func(*file.Uploads, context.Context, string, string) (file.Status, error){
			"complete": func(u *file.Uploads, ctx context.Context, user, fileID string) (file.Status, error) {
				f, err := u.Complete(ctx, user, fileID)
				return f.Status, err
			},
			"resume": func(u *file.Uploads, ctx context.Context, user, fileID string) (file.Status, error) {
				p, err := u.Resume(ctx, user, fileID)
				return p.Status, err
			},
		} {
			w := newWorld(t)
			b := content(size)
			a := w.sent(b, request(b))
			late := &file.Uploads{Rows: w.store, Now: w.now, NewID: id.New, Inbox: overtaken{w.bucket, sync.OnceFunc(func() {
				w.want(202, "", w.ada, "POST", "/v1/uploads/"+a.ID+"/complete", "{}")
				if err := w.bucket.Discard(t.Context(), w.processed(a.ID, nil)); err != nil {
					t.Fatal(err)
				}
			})}}
			if status, err := call(late, t.Context(), w.ada, a.ID); err != nil || status != file.Ready {
				t.Errorf("%s, %d bytes: %s, %v", name, size, status, err)
			}
		}
	}
}
