//go:build service

package fileapi_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/file"
	"parley/shared/id"
)

const mib = 1 << 20

// TestAnUploadGoesOnWhereItBroke sends one part of three, asks, sends the others.
func TestAnUploadGoesOnWhereItBroke(t *testing.T) {
	w := newWorld(t)
	b := content(2*file.PartSize + mib)
	a := w.sent(b, request(b), 2)
	if a.Status != file.Uploading || a.PartSize != file.PartSize || len(a.Parts) != 3 || !a.ExpiresAt.Equal(w.now().Add(file.URLLife)) {
		t.Fatalf("created: %+v", a)
	}
	path := "/v1/uploads/" + a.ID
	refused := w.want(422, "parts_missing", w.ada, "POST", path+"/complete", "{}")
	if len(refused.problem.Errors) != 2 || refused.problem.Errors[0].Field != "parts[1]" || refused.problem.Errors[1].Field != "parts[3]" || !strings.Contains(refused.problem.Detail, "1, 3") {
		t.Errorf("what is missing: %+v", refused)
	}
	again := w.want(200, "", w.ada, "GET", path, nil)
	if again.Status != file.Uploading || !slices.Equal(again.Received, []file.Received{{Number: 2, Size: file.PartSize}}) || len(again.Parts) != 2 || again.Parts[1].Number != 3 || again.Parts[1].Size != mib {
		t.Fatalf("resumed: %+v", again)
	}
	for _, p := range again.Parts {
		if status, out := w.put(p, part(b, p.Number)); status != 200 {
			t.Fatalf("part %d: %d %s", p.Number, status, out)
		}
	}
	if full := w.want(200, "", w.ada, "GET", path, nil); len(full.Received) != 3 || len(full.Parts) != 0 {
		t.Errorf("all is there: %+v", full)
	}
	for range 2 {
		if done := w.want(202, "", w.ada, "POST", path+"/complete", `{"parts":[{"number":1,"etag":"nonsense"}]}`); done.Status != file.Processing {
			t.Errorf("completed: %+v", done)
		}
	}
	if after := w.want(200, "", w.ada, "GET", path, nil); after.Status != file.Processing || len(after.Parts) != 0 {
		t.Errorf("asked afterwards: %+v", after)
	}
	if n := w.versions("incoming/" + w.ada + "/" + a.ID); n != 1 {
		t.Errorf("%d versions", n)
	}
}

// TestASmallFileIsOnePart also asks at each step.
func TestASmallFileIsOnePart(t *testing.T) {
	w := newWorld(t)
	b := []byte("The quick brown fox.")
	a := w.want(201, "", w.ada, "POST", "/v1/uploads", request(b))
	path := "/v1/uploads/" + a.ID
	if refused := w.want(422, "parts_missing", w.ada, "POST", path+"/complete", "{}"); refused.problem.Errors[0].Field != "parts[1]" {
		t.Errorf("%+v", refused)
	}
	if resumed := w.want(200, "", w.ada, "GET", path, nil); len(resumed.Parts) != 1 || len(resumed.Received) != 0 {
		t.Errorf("before: %+v", resumed)
	}
	if status, out := w.put(a.Parts[0], b); status != 200 {
		t.Fatalf("%d %s", status, out)
	}
	if resumed := w.want(200, "", w.ada, "GET", path, nil); len(resumed.Parts) != 0 || !slices.Equal(resumed.Received, []file.Received{{Number: 1, Size: 20}}) {
		t.Errorf("after: %+v", resumed)
	}
	w.want(202, "", w.ada, "POST", path+"/complete", "{}")
	f, err := w.store.File(t.Context(), w.ada, a.ID)
	if err != nil || f.Status != file.Processing || f.Version == "" || f.Name != "fox.txt" || f.ContentType != "text/plain" {
		t.Errorf("%+v, %v", f, err)
	}
}

// TestCompletingMayBeRepeatedAtEveryPoint has something happen before the client's
// call, as if an earlier one had died there, or the event had come first.
func TestCompletingMayBeRepeatedAtEveryPoint(t *testing.T) {
	b := content(file.PartSize + 1)
	for name, c := range map[string]struct {
		before func(w *world, fileID string)
		status int
		code   string
		state  file.Status
	}{
		"S3 has assembled it, the row doesn't know": {func(w *world, fileID string) { w.assemble(fileID) }, 202, "", file.Processing},
		"the event came first": {func(w *world, fileID string) {
			if _, err := w.store.Arrived(t.Context(), w.ada, fileID, w.assemble(fileID)); err != nil {
				t.Fatal(err)
			}
		}, 202, "", file.Processing},
		"it is ready": {func(w *world, fileID string) {
			w.want(202, "", w.ada, "POST", "/v1/uploads/"+fileID+"/complete", "{}")
			w.processed(fileID, nil)
		}, 200, "", file.Ready},
		"it was rejected": {func(w *world, fileID string) {
			w.want(202, "", w.ada, "POST", "/v1/uploads/"+fileID+"/complete", "{}")
			w.reject(fileID)
		}, 200, "", file.Rejected},
		"it was deleted": {func(w *world, fileID string) {
			w.want(204, "", w.ada, "DELETE", "/v1/files/"+fileID, nil)
		}, 404, "not_found", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a := w.sent(b, request(b))
			c.before(w, a.ID)
			for range 2 {
				if got := w.want(c.status, c.code, w.ada, "POST", "/v1/uploads/"+a.ID+"/complete", "{}"); got.Status != c.state {
					t.Errorf("%+v", got)
				}
			}
			if n := w.versions("incoming/"); n > 1 {
				t.Errorf("%d versions", n)
			}
		})
	}
}

// assemble completes an upload of ada's at S3 only.
func (w *world) assemble(fileID string) (version string) {
	w.t.Helper()
	f, err := w.store.File(w.t.Context(), w.ada, fileID)
	if err != nil {
		w.t.Fatal(err)
	}
	a, err := w.bucket.Arrival(w.t.Context(), f)
	if err == nil {
		version, err = w.bucket.Assemble(w.t.Context(), f, a.Parts)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return version
}

func (w *world) reject(fileID string) {
	w.t.Helper()
	f, err := w.store.File(w.t.Context(), w.ada, fileID)
	if err == nil {
		f, err = w.store.Begin(w.t.Context(), f, file.Verify)
	}
	if err == nil {
		err = w.store.Reject(w.t.Context(), f, file.Remark{Code: "hash_mismatch", Detail: "Other bytes."})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestPartsThatWereSwapped are seen by their hashes, where the sender gave them.
func TestPartsThatWereSwapped(t *testing.T) {
	w := newWorld(t)
	b := content(2 * file.PartSize)
	a := w.want(201, "", w.ada, "POST", "/v1/uploads", request(b))
	if status, out := w.put(a.Parts[0], part(b, 2)); status != 400 || !strings.Contains(out, "BadDigest") {
		t.Errorf("S3 took part 2 as part 1: %d %s", status, out)
	}
	f, err := w.store.File(t.Context(), w.ada, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	for n := range int32(2) { // by somebody who may write to the bucket
		_, err := w.s3.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: &w.name, Key: new("incoming/" + w.ada + "/" + a.ID),
			UploadId: &f.Upload, PartNumber: new(n + 1), Body: bytes.NewReader(part(b, 2))})
		if err != nil {
			t.Fatal(err)
		}
	}
	refused := w.want(422, "parts_missing", w.ada, "POST", "/v1/uploads/"+a.ID+"/complete", "{}")
	if len(refused.problem.Errors) != 1 || refused.problem.Errors[0].Field != "parts[1]" {
		t.Errorf("%+v", refused)
	}
	again := w.want(200, "", w.ada, "GET", "/v1/uploads/"+a.ID, nil)
	if len(again.Parts) != 1 || again.Parts[0].Number != 1 {
		t.Errorf("%+v", again)
	}
}

// TestTheSameBytesAgain sends nothing; somebody else has to send them all the same.
func TestTheSameBytesAgain(t *testing.T) {
	w := newWorld(t)
	b := []byte("The quick brown fox.")
	f := w.ready(b, request(b), nil)
	again := w.want(200, "", w.ada, "POST", "/v1/uploads", request(b))
	if again.ID != f.ID || again.Status != file.Ready || !again.Deduplicated || again.Parts != nil {
		t.Errorf("%+v", again)
	}
	other := w.want(201, "", w.bob, "POST", "/v1/uploads", request(b))
	if other.ID == f.ID || other.Deduplicated || len(other.Parts) != 1 {
		t.Errorf("another user: %+v", other)
	}
	lie := request(b)
	lie.Size++
	if got := w.want(201, "", w.ada, "POST", "/v1/uploads", lie); got.Deduplicated {
		t.Errorf("with another size: %+v", got)
	}
	w.want(204, "", w.ada, "DELETE", "/v1/files/"+f.ID, nil)
	if got := w.want(201, "", w.ada, "POST", "/v1/uploads", request(b)); got.ID == f.ID {
		t.Errorf("after it was deleted: %+v", got)
	}
}

// TestAbort may come twice, and at any time before the upload is complete.
func TestAbort(t *testing.T) {
	w := newWorld(t)
	b := content(file.PartSize + 1)
	a := w.sent(b, request(b), 1)
	path := "/v1/uploads/" + a.ID
	w.ails = true
	w.want(500, "internal", w.ada, "DELETE", path, nil)
	w.want(200, "", w.ada, "GET", path, nil) // nothing has happened
	w.ails = false
	for range 2 {
		w.want(204, "", w.ada, "DELETE", path, nil)
	}
	if !slices.Equal(w.purged, []string{w.ada + " " + a.ID + " " + sum(b)}) {
		t.Errorf("queued: %q", w.purged)
	}
	w.want(404, "not_found", w.ada, "GET", path, nil)
	w.want(404, "not_found", w.ada, "POST", path+"/complete", "{}")
	if used, err := w.store.Used(t.Context(), w.ada); used != 0 || err != nil {
		t.Errorf("%d bytes in use, %v", used, err)
	}
	f := w.ready(b, request(b), nil)
	w.want(409, "upload_complete", w.ada, "DELETE", "/v1/uploads/"+f.ID, nil)
	w.want(200, "", w.ada, "GET", "/v1/files/"+f.ID, nil)
}

// TestAnUploadExpires unless its bytes are there.
func TestAnUploadExpires(t *testing.T) {
	w := newWorld(t)
	b, small := content(file.PartSize+1), []byte("The quick brown fox.")
	lost := w.sent(b, request(b), 1)
	there := w.sent(small, request(small))
	w.pass(file.UploadLife - time.Minute)
	if a := w.want(200, "", w.ada, "GET", "/v1/uploads/"+lost.ID, nil); !a.ExpiresAt.Equal(w.now().Add(time.Minute)) {
		t.Errorf("URLs outlive the upload: %v", a.ExpiresAt)
	}
	w.pass(time.Minute + time.Second)
	w.want(404, "upload_expired", w.ada, "GET", "/v1/uploads/"+lost.ID, nil)
	w.want(404, "upload_expired", w.ada, "POST", "/v1/uploads/"+lost.ID+"/complete", "{}")
	w.want(202, "", w.ada, "POST", "/v1/uploads/"+there.ID+"/complete", "{}")
}

// TestWhatS3HasForgottenHasExpired has an operator, or the bucket's life-cycle, end an
// upload in parts.
func TestWhatS3HasForgottenHasExpired(t *testing.T) {
	w := newWorld(t)
	b := content(file.PartSize + 1)
	a := w.sent(b, request(b))
	f, err := w.store.File(t.Context(), w.ada, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.bucket.Abandon(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	path := "/v1/uploads/" + a.ID
	w.want(404, "upload_expired", w.ada, "POST", path+"/complete", "{}")
	w.want(404, "upload_expired", w.ada, "GET", path, nil)
	w.want(204, "", w.ada, "DELETE", path, nil)
}

// TestALimitLeavesNothingAtS3 fills the plan's storage.
func TestALimitLeavesNothingAtS3(t *testing.T) {
	w := newWorld(t)
	huge := file.Request{Name: "disk.img", Size: file.MaxSize, ContentType: "application/octet-stream"}
	for i := range 10 { // 5 GiB
		huge.SHA256 = sum([]byte{byte(i)})
		w.want(201, "", w.ada, "POST", "/v1/uploads", huge)
	}
	huge.SHA256 = sum([]byte("one more"))
	w.want(422, "storage_full", w.ada, "POST", "/v1/uploads", huge)
	small := request([]byte("The quick brown fox."))
	w.want(422, "storage_full", w.ada, "POST", "/v1/uploads", small)
	w.want(201, "", w.bob, "POST", "/v1/uploads", small)
	out, err := w.s3.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &w.name})
	if err != nil || len(out.Uploads) != 10 {
		t.Errorf("%d uploads at S3, %v", len(out.Uploads), err)
	}
	w.pass(file.UploadLife + time.Second) // what has expired makes room
	w.want(201, "", w.ada, "POST", "/v1/uploads", small)
}

// TestAChatThatIsNotThere can't be sent to.
func TestAChatThatIsNotThere(t *testing.T) {
	w := newWorld(t)
	r := request([]byte("The quick brown fox."))
	r.Chat = id.New(w.now())
	w.want(404, "not_found", w.ada, "POST", "/v1/uploads", r)
}
