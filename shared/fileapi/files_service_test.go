//go:build service

package fileapi_test

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"parley/shared/file"
	"parley/shared/object"
)

// fetch reads what a redirect leads to, without the token.
func (w *world) fetch(a answer) (*http.Response, []byte) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, a.header.Get("Location"), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		w.t.Fatalf("%d %s, %v", res.StatusCode, body, err)
	}
	return res, body
}

// TestADownloadIsSavedUnderItsName, and opened by no browser as part of the site.
func TestADownloadIsSavedUnderItsName(t *testing.T) {
	w := newWorld(t)
	for i, c := range []struct{ name, is, delivered string }{
		{"Größe \"1\"; ½ 東京.pdf", "application/pdf", "application/pdf"},
		{"page.html", "text/html", "application/octet-stream"},
		{"drawing.svg", "image/svg+xml", "application/octet-stream"},
		{"photo.jpg", "image/jpeg", "image/jpeg"},
	} {
		b := []byte{byte(i), 'x'}
		r := request(b)
		r.Name, r.ContentType = c.name, "text/html"
		f := w.ready(b, r, func(f *file.File) { f.ContentType = c.is })
		a := w.want(302, "", w.ada, "GET", "/v1/files/"+f.ID+"/content", nil)
		if a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("the redirect is kept: %q", a.header.Get("Cache-Control"))
		}
		to, err := url.Parse(a.header.Get("Location"))
		if err != nil || to.Query().Get("X-Amz-Expires") != "300" {
			t.Errorf("it works for %s s, %v", to.Query().Get("X-Amz-Expires"), err)
		}
		res, body := w.fetch(a)
		how, params, err := mime.ParseMediaType(res.Header.Get("Content-Disposition"))
		if err != nil || how != "attachment" || params["filename"] == "" || !slices.Equal(body, b) || res.Header.Get("Content-Type") != c.delivered {
			t.Errorf("%s: %v, %v, %q", c.name, res.Header, err, body)
		}
	}
}

func TestAThumbnailIsShown(t *testing.T) {
	w := newWorld(t)
	b := []byte("a picture")
	f := w.ready(b, request(b), func(f *file.File) { f.Kind, f.Width, f.Height = file.Image, 640, 480 })
	if err := w.bucket.PutDerived(t.Context(), f.SHA256, object.Thumbnail, "image/jpeg", []byte("small")); err != nil {
		t.Fatal(err)
	}
	shown := w.want(200, "", w.ada, "GET", "/v1/files/"+f.ID, nil)
	res, body := w.fetch(w.want(302, "", w.ada, "GET", shown.Thumbnail, nil))
	if string(body) != "small" || res.Header.Get("Content-Type") != "image/jpeg" || res.Header.Get("Content-Disposition") != "inline" {
		t.Errorf("%q %v", body, res.Header)
	}
	text := []byte("a text")
	plain := w.ready(text, request(text), nil)
	if got := w.want(200, "", w.ada, "GET", "/v1/files/"+plain.ID, nil); got.Thumbnail != "" {
		t.Errorf("a text has a thumbnail: %s", got.Thumbnail)
	}
	w.want(404, "not_found", w.ada, "GET", "/v1/files/"+plain.ID+"/thumbnail", nil)
}

func TestOnlyReadyFilesAreRead(t *testing.T) {
	w := newWorld(t)
	b := []byte("The quick brown fox.")
	a := w.sent(b, request(b))
	for _, what := range []string{"/content", "/thumbnail"} {
		if got := w.want(409, "file_not_ready", w.ada, "GET", "/v1/files/"+a.ID+what, nil); got.header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
		}
	}
	w.want(202, "", w.ada, "POST", "/v1/uploads/"+a.ID+"/complete", "{}")
	w.want(409, "file_not_ready", w.ada, "GET", "/v1/files/"+a.ID+"/content", nil)
	w.reject(a.ID)
	w.want(409, "file_rejected", w.ada, "GET", "/v1/files/"+a.ID+"/content", nil)
	got := w.want(200, "", w.ada, "GET", "/v1/files/"+a.ID, nil)
	if got.Status != file.Rejected || got.Reason == nil || got.Reason.Code != "hash_mismatch" {
		t.Errorf("%+v", got.File)
	}
}

func TestDeletingAFile(t *testing.T) {
	w := newWorld(t)
	b := []byte("The quick brown fox.")
	f := w.ready(b, request(b), nil)
	for range 2 {
		w.want(204, "", w.ada, "DELETE", "/v1/files/"+f.ID, nil)
	}
	if !slices.Equal(w.purged, []string{w.ada + " " + f.ID + " " + f.SHA256}) {
		t.Errorf("queued: %q", w.purged)
	}
	w.want(404, "not_found", w.ada, "GET", "/v1/files/"+f.ID, nil)
	w.want(404, "not_found", w.ada, "GET", "/v1/files/"+f.ID+"/content", nil)
	if a := w.want(200, "", w.ada, "GET", "/v1/files", nil); len(a.Items) != 0 {
		t.Errorf("%+v", a.Items)
	}
	if used, err := w.store.Used(t.Context(), w.ada); used != 0 || err != nil {
		t.Errorf("%d bytes in use, %v", used, err)
	}
}

func TestFilesAreListedNewestFirst(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i := range 5 {
		b := []byte{byte(i)}
		want = append([]string{w.want(201, "", w.ada, "POST", "/v1/uploads", request(b)).ID}, want...)
		w.pass(time.Second)
	}
	var got []string
	path := "/v1/files?limit=2"
	for cursor := ""; ; {
		a := w.want(200, "", w.ada, "GET", path+cursor, nil)
		for _, f := range a.Items {
			got = append(got, f.ID)
		}
		if a.Next == "" {
			break
		}
		cursor = "&cursor=" + a.Next
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for query, field := range map[string]string{"limit=0": "limit", "limit=101": "limit", "limit=x": "limit", "limit=%2B1": "limit",
		"cursor=x": "cursor", "cursor=..%2F": "cursor", "cursor=" + "01arz3ndektsv4rrffq69g5fav": "cursor"} {
		if a := w.call(w.ada, "GET", "/v1/files?"+query, nil); a.status != 422 || len(a.problem.Errors) != 1 || a.problem.Errors[0].Field != field {
			t.Errorf("%s: %d %+v", query, a.status, a.problem.Errors)
		}
	}
}
