package client

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// shelf serves data under a signed URL of another host, and breaks off after so
// many bytes of the first answers.
type shelf struct {
	data   []byte
	breaks []int
	deaf   bool // knows no ranges
	token  string
	ranges []string
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.token += r.Header.Get("Authorization")
	s.ranges = append(s.ranges, r.Header.Get("Range"))
	if s.deaf {
		r.Header.Del("Range")
	}
	if len(s.breaks) == 0 {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.data))
		return
	}
	n := s.breaks[0]
	s.breaks = s.breaks[1:]
	http.ServeContent(&breaking{w, n}, r, "", time.Time{}, bytes.NewReader(s.data))
}

// breaking cuts the connection after n bytes of a body.
type breaking struct {
	http.ResponseWriter
	n int
}

// Write implements http.ResponseWriter.
func (b *breaking) Write(p []byte) (int, error) {
	if len(p) < b.n {
		b.n -= len(p)
		return b.ResponseWriter.Write(p)
	}
	_, _ = b.ResponseWriter.Write(p[:b.n])
	_ = http.NewResponseController(b.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

// fetch downloads through a script whose redirects lead to the shelf.
func fetch(t *testing.T, s *shelf, w func([]byte) (int, error)) (*script, int64, error) {
	t.Helper()
	storage := httptest.NewServer(s)
	t.Cleanup(storage.Close)
	api, c := play(t, map[string][]http.HandlerFunc{
		"POST /v1/token":          {pair(2)},
		"GET /v1/files/F/content": {answer(302, "", "Location", storage.URL+"/f?signature=x")},
	})
	n, err := c.Download(t.Context(), "F", writer(w))
	return api, n, err
}

type writer func([]byte) (int, error)

// Write implements io.Writer.
func (w writer) Write(p []byte) (int, error) { return w(p) }

func TestDownloadIsTakenUpWhereItBroke(t *testing.T) {
	data := content(300_000)
	for _, deaf := range []bool{false, true} {
		var got bytes.Buffer
		s := &shelf{data: data, breaks: []int{100_000, 70_000}, deaf: deaf}
		api, n, err := fetch(t, s, got.Write)
		if err != nil || n != int64(len(data)) || !bytes.Equal(got.Bytes(), data) {
			t.Errorf("deaf %v: %d bytes, %v", deaf, n, err)
		}
		if s.token != "" {
			t.Errorf("the other host was given the token %q", s.token)
		}
		if len(s.ranges) != 3 || s.ranges[0] != "" || !strings.HasPrefix(s.ranges[1], "bytes=") {
			t.Errorf("ranges %q", s.ranges)
		}
		if last := api.seen[len(api.seen)-1]; last.Header.Get("Authorization") != "Bearer a2" {
			t.Error("the API was not given the token")
		}
	}
}

func TestDownloadEndsWhenNobodyTakesIt(t *testing.T) {
	full := errors.New("disk full")
	api, _, err := fetch(t, &shelf{data: content(10)}, func([]byte) (int, error) { return 0, full })
	if !errors.Is(err, full) || len(api.asked()) != 2 {
		t.Errorf("%v after %v", err, api.asked())
	}
}

func TestDownloadOfWhatIsNotThere(t *testing.T) {
	_, c := play(t, map[string][]http.HandlerFunc{"POST /v1/token": {pair(2)},
		"GET /v1/files/F/content": {answer(404, `{"code":"not_found","detail":"There is no such file."}`)}})
	if _, err := c.Download(t.Context(), "F", &bytes.Buffer{}); !IsCode(err, "not_found") {
		t.Error(err)
	}
}

func TestFileCalls(t *testing.T) {
	_, c := play(t, map[string][]http.HandlerFunc{
		"POST /v1/token":                  {pair(2)},
		"GET /v1/files?cursor=c&limit=10": {answer(200, `{"items":[{"file_id":"F","name":"n","size":3,"status":"ready","note":{"code":"unreadable","detail":"d"},"later_field":1}],"next_cursor":"x"}`)},
		"DELETE /v1/files/F":              {answer(204, "")},
		"DELETE /v1/uploads/F":            {answer(204, "")},
	})
	files, err := c.Files(t.Context(), 10, "c")
	check(t, "Files", err, len(files.Items) == 1 && files.Items[0].Note.Code == "unreadable" && files.Next == "x")
	check(t, "DeleteFile", c.DeleteFile(t.Context(), "F"), true)
	check(t, "Abort", c.Abort(t.Context(), "F"), true)
}
