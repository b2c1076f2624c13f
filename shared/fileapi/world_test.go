//go:build service

package fileapi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/go-json-experiment/json"

	"parley/shared/api"
	"parley/shared/auth/authtest"
	"parley/shared/file"
	"parley/shared/fileapi"
	"parley/shared/id"
	"parley/shared/object"
	"parley/shared/object/objecttest"
	"parley/shared/quota"
	"parley/shared/store"
	"parley/shared/store/storetest"
)

// world is the functions upload and files behind one address, over a real table and
// a real bucket, with real tokens and a clock that tests move.
type world struct {
	t       *testing.T
	handler http.Handler
	store   *store.Files
	bucket  *object.Bucket
	s3      *s3.Client
	name    string // of the bucket
	uploads *file.Uploads
	realm   *authtest.Realm
	ada     string // users
	bob     string

	mu     sync.Mutex
	at     time.Time
	purged []string
	ails   bool // the purge queue is away
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, at: time.Now().Truncate(time.Second)}
	w.s3, w.name = objecttest.Bucket(t)
	w.bucket = object.New(w.s3, w.name)
	db, _, table := storetest.Tables(t) // files lie in the shape of chats
	w.store = store.NewFiles(db, table, table)
	w.store.Now = w.now
	w.realm = authtest.New(t, w.now)
	w.ada, w.bob = id.New(w.at), id.New(w.at)
	w.serve(w.bucket)
	return w
}

// serve has the functions use that bucket.
func (w *world) serve(b *object.Bucket) {
	s := &api.Service{Verifier: w.realm.Verifier, Log: slog.New(slog.DiscardHandler)}
	remove := &file.Deletion{Tombs: w.store, Purger: w}
	w.uploads = &file.Uploads{Rows: w.store, Inbox: b, Remove: remove, Now: w.now, NewID: id.New}
	routes := fileapi.Upload(s, w.uploads)
	maps.Copy(routes, fileapi.Files(s, &file.Library{Shelf: w.store, Links: b}, remove))
	w.handler = s.Mux(routes)
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

// PurgeFile notes what is to be removed.
func (w *world) PurgeFile(_ context.Context, user, fileID, sha string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ails {
		return errors.New("SQS is away")
	}
	w.purged = append(w.purged, user+" "+fileID+" "+sha)
	return nil
}

// answer is what came back, of any endpoint.
type answer struct {
	file.File
	Deduplicated bool            `json:"deduplicated"`
	PartSize     int64           `json:"part_size"`
	Received     []file.Received `json:"received"`
	Parts        []file.Part     `json:"parts"`
	ExpiresAt    time.Time       `json:"expires_at"`
	Items        []file.File     `json:"items"`
	Next         string          `json:"next_cursor"`
	problem      api.Document
	status       int
	header       http.Header
}

func (w *world) call(user, method, path string, body any) answer {
	w.t.Helper()
	var raw []byte
	switch b := body.(type) {
	case nil:
	case string:
		raw = []byte(b)
	default:
		var err error
		if raw, err = json.Marshal(body); err != nil {
			w.t.Fatal(err)
		}
	}
	r := httptest.NewRequest(method, path, bytes.NewReader(raw))
	r.Header.Set("Content-Type", "application/json")
	if user != "" {
		r.Header.Set("Authorization", "Bearer "+w.realm.Token(w.t, user, quota.Free))
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	a := answer{status: rec.Code, header: rec.Header()}
	if rec.Body.Len() > 0 {
		var into any = &a
		if a.status >= 400 {
			into = &a.problem
		}
		if err := json.Unmarshal(rec.Body.Bytes(), into); err != nil {
			w.t.Fatalf("%s %s: %v in %s", method, path, err, rec.Body)
		}
	}
	return a
}

// want calls and fails the test unless status and code are as expected.
func (w *world) want(status int, code, user, method, path string, body any) answer {
	w.t.Helper()
	a := w.call(user, method, path, body)
	if a.status != status || a.problem.Code != code {
		w.t.Fatalf("%s %s: %d %q %s, want %d %q", method, path, a.status, a.problem.Code, a.problem.Detail, status, code)
	}
	return a
}

// content returns bytes that differ from part to part.
func content(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i >> 20)
	}
	return b
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func part(b []byte, n int) []byte { return b[(n-1)*file.PartSize : min(n*file.PartSize, len(b))] }

// request announces these bytes, with the hashes of their parts if there are many.
func request(b []byte) file.Request {
	r := file.Request{Name: "fox.txt", Size: int64(len(b)), ContentType: "text/plain", SHA256: sum(b)}
	for n := 1; len(b) > file.PartSize && n <= file.PartCount(r.Size); n++ {
		r.Parts = append(r.Parts, sum(part(b, n)))
	}
	return r
}

// put sends a part as a client would, and returns S3's answer.
func (w *world) put(p file.Part, body []byte) (int, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPut, p.URL, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for k, v := range p.Headers {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	out, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(out)
}

// sent creates an upload of ada's and sends these parts of it; none: all.
func (w *world) sent(b []byte, r file.Request, numbers ...int) answer {
	w.t.Helper()
	a := w.want(201, "", w.ada, "POST", "/v1/uploads", r)
	for _, p := range a.Parts {
		if len(numbers) > 0 && !contains(numbers, p.Number) {
			continue
		}
		if status, out := w.put(p, part(b, p.Number)); status != 200 {
			w.t.Fatalf("part %d: %d %s", p.Number, status, out)
		}
	}
	return a
}

func contains(numbers []int, n int) bool {
	for _, have := range numbers {
		if have == n {
			return true
		}
	}
	return false
}

// processed has a complete upload of ada's processed, with what was found out.
func (w *world) processed(fileID string, found func(*file.File)) file.File {
	w.t.Helper()
	ctx := w.t.Context()
	f, err := w.store.File(ctx, w.ada, fileID)
	for _, stage := range []file.Stage{file.Verify, file.Scan, file.Store, file.Read} {
		if err == nil {
			f, err = w.store.Begin(ctx, f, stage)
		}
		if err == nil && stage == file.Store {
			if err = w.store.Hold(ctx, f); err == nil {
				err = w.bucket.Copy(ctx, f)
			}
		}
	}
	if err != nil {
		w.t.Fatal(err)
	}
	f.Kind = file.Text
	if found != nil {
		found(&f)
	}
	if err := w.store.Ready(ctx, f); err != nil {
		w.t.Fatal(err)
	}
	return f
}

// ready sends, completes and processes a file of ada's.
func (w *world) ready(b []byte, r file.Request, found func(*file.File)) file.File {
	w.t.Helper()
	a := w.sent(b, r)
	w.want(202, "", w.ada, "POST", "/v1/uploads/"+a.ID+"/complete", "{}")
	return w.processed(a.ID, found)
}

// versions counts what is in the bucket under a prefix.
func (w *world) versions(prefix string) int {
	return len(objecttest.Versions(w.t, w.s3, w.name, prefix))
}

// away has the functions use a bucket behind a port that nobody listens on, as
// patiently as they are.
func (w *world) away() {
	w.t.Helper()
	w.t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
	w.t.Setenv("AWS_REGION", "us-east-1")
	w.t.Setenv("AWS_ACCESS_KEY_ID", "test")
	w.t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	cfg, err := store.AWS(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	w.serve(object.New(s3.NewFromConfig(cfg), w.name))
}
