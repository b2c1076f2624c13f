//go:build service

package fileapi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/shared/file"
	"parley/shared/id"
)

// TestBadRequests names every field that is wrong, and leaves nothing behind.
func TestBadRequests(t *testing.T) {
	w := newWorld(t)
	fine := strings.Repeat("0a", 32)
	body := func(change func(map[string]any)) map[string]any {
		m := map[string]any{"name": "a.txt", "size": 10, "content_type": "text/plain", "sha256": fine}
		change(m)
		return m
	}
	set := func(pairs ...any) map[string]any {
		return body(func(m map[string]any) {
			for i := 0; i < len(pairs); i += 2 {
				m[pairs[i].(string)] = pairs[i+1]
			}
		})
	}
	parts := func(n int, s string) []string { return slices.Repeat([]string{s}, n) }
	for name, c := range map[string]struct {
		body   any
		status int
		code   string
		fields string
	}{
		"nothing":              {"{}", 422, "invalid", "name size content_type sha256"},
		"no bytes":             {set("size", 0), 422, "bad_size", "size"},
		"less than no bytes":   {set("size", -1), 422, "bad_size", "size"},
		"half a byte":          {set("size", 1.5), 400, "wrong_type", "size"},
		"too many bytes":       {set("size", file.MaxSize+1), 413, "file_too_large", ""},
		"as many as there are": {set("size", int64(1)<<62, "parts_sha256", parts(2, fine)), 413, "file_too_large", ""},
		"too many to count":    {`{"name":"a","size":1e30,"content_type":"text/plain","sha256":"` + fine + `"}`, 400, "wrong_type", "size"},
		"no name":              {set("name", " "), 422, "bad_name", "name"},
		"a hash in capitals":   {set("sha256", strings.ToUpper(fine)), 422, "bad_checksum", "sha256"},
		"half a hash":          {set("sha256", fine[:32]), 422, "bad_checksum", "sha256"},
		"a part too many":      {set("parts_sha256", parts(2, fine)), 422, "bad_part_count", "parts_sha256"},
		"a part too few":       {set("size", file.PartSize+1, "parts_sha256", parts(1, fine)), 422, "bad_part_count", "parts_sha256"},
		"a million parts":      {set("parts_sha256", parts(1_000, fine)), 413, "body_too_large", ""},
		"a bad part":           {set("size", file.PartSize+1, "parts_sha256", []string{fine, "x"}), 422, "bad_checksum", "parts_sha256[1]"},
		"an only part that isn't the whole": {set("parts_sha256", parts(1, strings.Repeat("0b", 32))), 422,
			"bad_checksum", "parts_sha256[0]"},
		"no type":            {set("content_type", ""), 422, "bad_content_type", "content_type"},
		"half a type":        {set("content_type", "text"), 415, "unsupported_media_type", ""},
		"a type with a line": {set("content_type", "text/plain\r\nX-Evil: 1"), 415, "unsupported_media_type", ""},
		"a type of 4 KB":     {set("content_type", "text/"+strings.Repeat("x", 4096)), 415, "unsupported_media_type", ""},
		"no chat's id":       {set("chat_id", "../.."), 422, "bad_chat_id", "chat_id"},
		"an unknown field":   {set("user", "somebody"), 400, "unknown_field", "user"},
		"a name of 70 KB":    {set("name", strings.Repeat("x", 70_000)), 413, "body_too_large", ""},
	} {
		a := w.call(w.ada, "POST", "/v1/uploads", c.body)
		var fields []string
		for _, e := range a.problem.Errors {
			fields = append(fields, e.Field)
		}
		if a.status != c.status || a.problem.Code != c.code || strings.Join(fields, " ") != c.fields {
			t.Errorf("%s: %d %s %v, want %d %s %s", name, a.status, a.problem.Code, fields, c.status, c.code, c.fields)
		}
	}
	if a := w.want(200, "", w.ada, "GET", "/v1/files", nil); len(a.Items) != 0 {
		t.Errorf("%d files were made", len(a.Items))
	}
	if used, err := w.store.Used(t.Context(), w.ada); used != 0 || err != nil {
		t.Errorf("%d bytes in use, %v", used, err)
	}
}

// TestNamesAreCleaned rather than refused.
func TestNamesAreCleaned(t *testing.T) {
	w := newWorld(t)
	for i, c := range []struct{ sent, kept string }{
		{"../../etc/passwd", "passwd"},
		{"photo\u202egnp.exe", "photognp.exe"},
		{strings.Repeat("x", 4096) + ".pdf", strings.Repeat("x", 251) + ".pdf"},
	} {
		r := request([]byte{byte(i)})
		r.Name = c.sent
		a := w.want(201, "", w.ada, "POST", "/v1/uploads", r)
		if f := w.want(200, "", w.ada, "GET", "/v1/files/"+a.ID, nil); f.Name != c.kept {
			t.Errorf("%q is kept as %q", c.sent, f.Name)
		}
	}
}

// TestNobodyGetsAnothersFile tries every endpoint with the id of a file of ada's, in
// every state, and with what is no id.
func TestNobodyGetsAnothersFile(t *testing.T) {
	w := newWorld(t)
	small, many := []byte("The quick brown fox."), content(file.PartSize+1)
	open, ready := w.sent(many, request(many)), w.ready(small, request(small), nil)
	for _, fileID := range []string{open.ID, ready.ID, id.New(w.now()), strings.ToLower(open.ID), "x", "%2e%2e"} {
		for _, call := range []string{"GET /v1/uploads/%s", "POST /v1/uploads/%s/complete", "DELETE /v1/uploads/%s",
			"GET /v1/files/%s", "GET /v1/files/%s/content", "GET /v1/files/%s/thumbnail", "DELETE /v1/files/%s"} {
			method, path, _ := strings.Cut(fmt.Sprintf(call, fileID), " ")
			w.want(404, "not_found", w.bob, method, path, "{}")
		}
	}
	w.want(401, "token_missing", "", "GET", "/v1/files/"+ready.ID+"/content", nil)
	if a := w.want(200, "", w.bob, "GET", "/v1/files", nil); len(a.Items) != 0 {
		t.Errorf("bob has %d files", len(a.Items))
	}
	if a := w.want(200, "", w.bob, "GET", "/v1/files?cursor="+ready.ID, nil); len(a.Items) != 0 {
		t.Errorf("bob has %d files after ada's", len(a.Items))
	}
	if a := w.want(200, "", w.ada, "GET", "/v1/uploads/"+open.ID, nil); len(a.Received) != 2 || len(w.purged) != 0 {
		t.Errorf("something has happened to ada's: %+v, %q", a, w.purged)
	}
}

// TestS3IsAway answers soon, with when to come back, and forgets nothing.
func TestS3IsAway(t *testing.T) {
	w := newWorld(t)
	b, small := content(file.PartSize+1), []byte("The quick brown fox.")
	many, one := w.sent(b, request(b)), w.sent(small, request(small))
	ready := w.ready([]byte("ready"), request([]byte("ready")), nil)
	before, err := w.store.Used(t.Context(), w.ada)
	if err != nil {
		t.Fatal(err)
	}
	w.away()
	begin := time.Now()
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{"POST", "/v1/uploads", request([]byte("a new one"))},
		{"POST", "/v1/uploads", request(content(file.PartSize + 2))},
		{"GET", "/v1/uploads/" + many.ID, nil},
		{"GET", "/v1/uploads/" + one.ID, nil},
		{"POST", "/v1/uploads/" + many.ID + "/complete", "{}"},
		{"POST", "/v1/uploads/" + one.ID + "/complete", "{}"},
	} {
		a := w.want(503, "storage_unavailable", w.ada, c.method, c.path, c.body)
		if a.header.Get("Retry-After") != "5" || strings.Contains(a.problem.Detail, "127.0.0.1") {
			t.Errorf("%s %s: Retry-After %q, %s", c.method, c.path, a.header.Get("Retry-After"), a.problem.Detail)
		}
	}
	if took := time.Since(begin) / 6; took > 5*time.Second {
		t.Errorf("an answer took %v", took)
	}
	w.want(200, "", w.ada, "POST", "/v1/uploads", request([]byte("ready")))
	w.want(200, "", w.ada, "GET", "/v1/files/"+ready.ID, nil)
	if after, err := w.store.Used(t.Context(), w.ada); err != nil || after != before {
		t.Errorf("%d bytes in use, before %d, %v", after, before, err)
	}
	w.serve(w.bucket)
	w.want(202, "", w.ada, "POST", "/v1/uploads/"+many.ID+"/complete", "{}")
	w.want(202, "", w.ada, "POST", "/v1/uploads/"+one.ID+"/complete", "{}")
}
