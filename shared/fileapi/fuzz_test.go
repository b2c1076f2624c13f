package fileapi_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"parley/shared/api"
	"parley/shared/auth"
	"parley/shared/file"
	"parley/shared/fileapi"
	"parley/shared/id"
)

// shelf takes every upload that gets as far, and has no files.
type shelf struct {
	t    *testing.T
	made []file.File
}

func (s *shelf) Verify(context.Context, string) (auth.Identity, error) {
	return auth.Identity{User: "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, nil
}

func (s *shelf) Create(_ context.Context, f file.File, _ int64) error {
	s.made = append(s.made, f)
	return nil
}

func (s *shelf) File(_ context.Context, _, fileID string) (file.File, error) {
	if !id.Valid(fileID) {
		s.t.Errorf("%q was looked for", fileID)
	}
	return file.File{}, file.ErrNoFile
}

func (s *shelf) Own(context.Context, string, string) (file.File, error) {
	return file.File{}, file.ErrNoFile
}

func (s *shelf) Arrived(context.Context, string, string, string) (file.File, error) {
	return file.File{}, file.ErrNoFile
}

func (s *shelf) List(_ context.Context, _ string, limit int, after string) ([]file.File, string, error) {
	if limit < 1 || limit > file.MaxPage || after != "" && !id.Valid(after) {
		s.t.Errorf("%d files after %q were asked for", limit, after)
	}
	return nil, "", nil
}

func (s *shelf) Start(context.Context, file.File) (string, error) { return "upload", nil }

func (s *shelf) Sign(_ context.Context, _ file.File, numbers []int, _ time.Duration) ([]file.Part, error) {
	return make([]file.Part, len(numbers)), nil
}

func (s *shelf) Arrival(context.Context, file.File) (file.Arrival, error) { return file.Arrival{}, nil }

func (s *shelf) Assemble(context.Context, file.File, []file.Received) (string, error) { return "", nil }

func (s *shelf) Abandon(context.Context, file.File) error { return nil }

func (s *shelf) call(method string, target *url.URL, body string) *httptest.ResponseRecorder {
	service := &api.Service{Verifier: s, Log: slog.New(slog.DiscardHandler)}
	uploads := &file.Uploads{Rows: s, Inbox: s, Now: time.Now, NewID: id.New}
	routes := fileapi.Upload(service, uploads)
	for pattern, h := range fileapi.Files(service, &file.Library{Shelf: s}, nil) {
		routes[pattern] = h
	}
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	r.URL = target
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer x")
	w := httptest.NewRecorder()
	service.Mux(routes).ServeHTTP(w, r)
	return w
}

// FuzzCreate sends any body: it makes one upload that can be sent, or none.
func FuzzCreate(f *testing.F) {
	sum := strings.Repeat("0a", 32)
	for _, seed := range []string{
		`{"name":"a.txt","size":10,"content_type":"text/plain","sha256":"` + sum + `"}`,
		`{"name":"a","size":8388609,"content_type":"a/b","sha256":"` + sum + `","parts_sha256":["` + sum + `","` + sum + `"]}`,
		`{"name":"\u202e","size":-1,"content_type":"","sha256":"","parts_sha256":null,"chat_id":"x"}`,
		`{"size":9223372036854775807}`, `{"size":1e400}`, `[]`, "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s := &shelf{t: t}
		w := s.call(http.MethodPost, &url.URL{Path: "/v1/uploads"}, body)
		if w.Code >= 500 || (w.Code == http.StatusCreated) != (len(s.made) == 1) || !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		for _, f := range s.made {
			if f.Size < 1 || f.Size > file.MaxSize || len(f.SHA256) != 64 || f.Name == "" || len(f.Parts) != 0 && len(f.Parts) != file.PartCount(f.Size) {
				t.Errorf("%+v", f)
			}
		}
	})
}

// FuzzPage asks for any page, and any file.
func FuzzPage(f *testing.F) {
	f.Add("10", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
	f.Add("+1", "..", "a/b")
	f.Add("1e3", "\x00", "%2f")
	f.Fuzz(func(t *testing.T, limit, cursor, fileID string) {
		s := &shelf{t: t}
		query := url.Values{"limit": {limit}, "cursor": {cursor}}.Encode()
		if w := s.call(http.MethodGet, &url.URL{Path: "/v1/files", RawQuery: query}, ""); w.Code != 200 && w.Code != 422 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if strings.Contains(fileID, "/") || fileID == "" || fileID == "." || fileID == ".." {
			return
		}
		for _, path := range []string{"/v1/files/" + fileID, "/v1/files/" + fileID + "/content", "/v1/uploads/" + fileID} {
			if w := s.call(http.MethodGet, &url.URL{Path: path}, ""); w.Code != 404 {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
	})
}
