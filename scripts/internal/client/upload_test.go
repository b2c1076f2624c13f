package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/file"
)

// partSize is what the server of these tests asks for.
const partSize = 1000

// depot is a server with its storage beside it: it takes the parts of one upload,
// and does to each PUT what was planned for it.
type depot struct {
	api, storage *httptest.Server
	size         int

	mu       sync.Mutex
	plan     map[int][]http.HandlerFunc // by part: instead of taking it
	parts    map[int][]byte
	puts     []int
	asked    []string
	created  map[string]any
	round    int // of URLs; those of an earlier one have run out when expired
	expired  bool
	gone     bool // it has expired since it was made
	missing  bool // the next completion finds a part missing
	statuses []string
}

func newDepot(t *testing.T, size int) (*depot, *Client) {
	t.Helper()
	d := &depot{size: size, plan: map[int][]http.HandlerFunc{}, parts: map[int][]byte{}, statuses: []string{`"ready"`}}
	d.api = httptest.NewServer(http.HandlerFunc(d.serve))
	d.storage = httptest.NewServer(http.HandlerFunc(d.put))
	t.Cleanup(func() { d.api.Close(); d.storage.CloseClientConnections(); d.storage.Close() })
	c := New(d.api.URL, &memory{token: "r1"})
	c.pause = time.Millisecond
	return d, c
}

func (d *depot) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	d.mu.Lock()
	defer d.mu.Unlock()
	at := r.Method + " " + r.URL.Path
	d.asked = append(d.asked, at)
	switch at {
	case "POST /v1/token":
		pair(2)(w, r)
	case "POST /v1/uploads":
		_ = json.Unmarshal(body, &d.created)
		answer(201, d.state())(w, r)
	case "GET /v1/uploads/F":
		if d.gone {
			answer(404, `{"code":"upload_expired","detail":"It took too long."}`)(w, r)
			return
		}
		d.round++
		answer(200, d.state())(w, r)
	case "POST /v1/uploads/F/complete":
		if d.missing {
			d.missing = false
			delete(d.parts, 1)
			answer(422, `{"code":"parts_missing","detail":"Part 1 is missing."}`)(w, r)
			return
		}
		answer(202, `{"file_id":"F","status":"processing"}`)(w, r)
	case "GET /v1/files/F":
		status := d.statuses[0]
		if len(d.statuses) > 1 {
			d.statuses = d.statuses[1:]
		}
		answer(200, `{"file_id":"F","name":"n","status":`+status+`}`)(w, r)
	default:
		answer(404, `{"code":"not_found","detail":"`+at+`"}`)(w, r)
	}
}

// state is the answer about what is missing; the caller holds the lock.
func (d *depot) state() string {
	var list []string
	for n := 1; (n-1)*partSize < d.size; n++ {
		if _, ok := d.parts[n]; !ok {
			list = append(list, fmt.Sprintf(`{"number":%d,"url":"%s/%d?round=%d","headers":{"x-amz-checksum-sha256":"s%d"}}`, n, d.storage.URL, n, d.round, n))
		}
	}
	return fmt.Sprintf(`{"file_id":"F","status":"uploading","part_size":%d,"parts":[%s]}`, partSize, strings.Join(list, ","))
}

func (d *depot) put(w http.ResponseWriter, r *http.Request) {
	var n, round int
	fmt.Sscanf(r.URL.RequestURI(), "/%d?round=%d", &n, &round)
	d.mu.Lock()
	d.puts = append(d.puts, n)
	step := http.HandlerFunc(nil)
	if steps := d.plan[n]; len(steps) > 0 {
		step, d.plan[n] = steps[0], steps[1:]
	}
	late := d.expired && round == 0
	d.mu.Unlock()
	switch {
	case step != nil:
		step(w, r)
		return
	case late:
		refuse(403, "AccessDenied")(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("Authorization") != "" || r.Header.Get("X-Amz-Checksum-Sha256") != fmt.Sprint("s", n) || r.ContentLength != int64(len(body)) {
		refuse(400, "Wrong")(w, r)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.parts[n] = body
}

// count says how many PUTs came, and how many parts arrived.
func (d *depot) count() [2]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return [2]int{len(d.puts), len(d.parts)}
}

// whole is what arrived.
func (d *depot) whole() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []byte
	for n := 1; n <= len(d.parts); n++ {
		all = append(all, d.parts[n]...)
	}
	return all
}

func refuse(status int, code string) http.HandlerFunc {
	return answer(status, `<?xml version="1.0"?><Error><Code>`+code+`</Code><Message>m</Message></Error>`)
}

// cut reads half of a part and breaks the connection.
func cut(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.CopyN(io.Discard, r.Body, partSize/2)
	panic(http.ErrAbortHandler)
}

func content(size int) []byte {
	data := make([]byte, size)
	source := rand.New(rand.NewPCG(1, 2))
	for i := range data {
		data[i] = byte(source.Uint32())
	}
	return data
}

func hexOf(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

func TestHashesOfWholeAndParts(t *testing.T) {
	const p = file.PartSize
	data := content(2*p + 1)
	for _, size := range []int{0, 1, p - 1, p, p + 1, 2*p + 1} {
		var want []string
		for at := 0; at < size; at += p {
			want = append(want, hexOf(data[at:min(at+p, size)]))
		}
		var last int64
		got, err := hashAll(t.Context(), bytes.NewReader(data[:size]), int64(size), func(n int64) { last = n })
		if err != nil || got.whole != hexOf(data[:size]) || last != int64(size) {
			t.Errorf("%d bytes: %v, %d reported, %v", size, got, last, err)
		}
		if d := cmp.Diff(want, got.parts); d != "" {
			t.Errorf("%d bytes: %s", size, d)
		}
	}
	if _, err := hashAll(t.Context(), bytes.NewReader(data[:5]), 6, func(int64) {}); !errors.Is(err, errChanged) {
		t.Errorf("a short file: %v", err)
	}
}

func TestUploadThroughABadNetwork(t *testing.T) {
	d, c := newDepot(t, 4500)
	d.expired, d.missing = true, true
	d.plan = map[int][]http.HandlerFunc{
		1: {cut, refuse(503, "SlowDown"), cut},
		3: {refuse(500, "InternalError")},
		5: {refuse(400, "BadDigest")}, // garbled on the way
	}
	d.statuses = []string{`"processing","stage":"verify"`, `"processing","stage":"verify"`, `"processing","stage":"read"`, `"ready"`}
	data := content(4500)
	var seen []Progress
	got, err := c.Upload(t.Context(), Upload{Name: "a.txt", Size: 4500, Content: bytes.NewReader(data), Chat: "C",
		Progress: func(p Progress) { seen = append(seen, p) }})
	if err != nil || got.Status != file.Ready || !bytes.Equal(d.whole(), data) {
		t.Fatalf("Upload = %+v, %v; %d bytes arrived", got, err, len(d.whole()))
	}
	want := map[string]any{"name": "a.txt", "size": 4500.0, "content_type": "text/plain", "sha256": hexOf(data),
		"parts_sha256": []any{hexOf(data)}, "chat_id": "C"} // hashed by parts of 8 MiB
	if diff := cmp.Diff(want, d.created); diff != "" {
		t.Error(diff)
	}
	checkProgress(t, seen, 4500)
}

// checkProgress expects the steps in their order, never more than the whole, and
// the whole at the end of each.
func checkProgress(t *testing.T, seen []Progress, total int64) {
	t.Helper()
	var steps []string
	for i, p := range seen {
		if p.Done < 0 || p.Done > total || p.Total != total {
			t.Errorf("%+v", p)
		}
		name := string(p.Step) + string(p.Stage)
		if len(steps) == 0 || steps[len(steps)-1] != name {
			steps = append(steps, name)
			if i > 0 && seen[i-1].Done != total {
				t.Errorf("%s ended at %d", seen[i-1].Step, seen[i-1].Done)
			}
		}
	}
	want := []string{"hashing", "sending", "processingverify", "processingread"}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Error(diff)
	}
}

func TestUploadGoesOnWhereItStopped(t *testing.T) {
	d, c := newDepot(t, 4500)
	data := content(4500)
	ctx, kill := context.WithCancel(t.Context())
	hold := func(http.ResponseWriter, *http.Request) { <-ctx.Done(); panic(http.ErrAbortHandler) }
	d.plan = map[int][]http.HandlerFunc{4: {hold}, 5: {hold}}
	var mark Mark
	up := Upload{Name: "a.bin", Size: 4500, Content: bytes.NewReader(data), Keep: func(m Mark) error { mark = m; return nil }}
	go func() {
		for d.count() != [2]int{5, 3} {
			time.Sleep(time.Millisecond)
		}
		kill()
	}()
	if _, err := c.Upload(ctx, up); !errors.Is(err, context.Canceled) {
		t.Fatalf("the upload that was broken off: %v", err)
	}
	if mark != (Mark{File: "F", SHA256: hexOf(data)}) {
		t.Fatalf("kept %+v", mark)
	}
	before := d.count()[0]
	up.Mark, up.Keep = mark, func(Mark) error { return errors.New("a second upload was made") }
	got, err := c.Upload(t.Context(), up)
	if err != nil || got.Sent != 1500 || !bytes.Equal(d.whole(), data) || d.count()[0] != before+2 {
		t.Errorf("%+v, %v; %v", got, err, d.count())
	}
}

func TestAMarkOfOtherBytesIsVoid(t *testing.T) {
	d, c := newDepot(t, 10)
	kept := 0
	for i, m := range []Mark{{File: "F", SHA256: "other"}, {File: "gone", SHA256: hexOf(content(10))}} {
		_, err := c.Upload(t.Context(), Upload{Name: "a", Size: 10, Content: bytes.NewReader(content(10)), Mark: m,
			Keep: func(Mark) error { kept++; return nil }})
		if err != nil || kept != i+1 {
			t.Errorf("%+v: %v, %d uploads made: %v", m, err, kept, d.asked)
		}
	}
}

func TestWhatTheUserHasIsNotSent(t *testing.T) {
	s, c := play(t, map[string][]http.HandlerFunc{
		"POST /v1/token":   {pair(2)},
		"POST /v1/uploads": {answer(200, `{"file_id":"F","status":"ready","deduplicated":true}`)},
		"GET /v1/files/F":  {answer(200, `{"file_id":"F","name":"other name","status":"ready"}`)},
	})
	got, err := c.Upload(t.Context(), Upload{Name: "a", Size: 3, Content: strings.NewReader("abc")})
	if err != nil || !got.Deduplicated || got.Name != "other name" || got.Sent != 0 || len(s.asked()) != 3 {
		t.Errorf("%+v, %v: %v", got, err, s.asked())
	}
}

func TestARejectedFileIsAnError(t *testing.T) {
	d, c := newDepot(t, 3)
	d.statuses = []string{`"rejected","reason":{"code":"wrong_hash","detail":"Not the bytes."}`}
	got, err := c.Upload(t.Context(), Upload{Name: "a", Size: 3, Content: strings.NewReader("abc")})
	e, ok := errors.AsType[*Rejected](err)
	if !ok || e.File.Reason.Code != "wrong_hash" || err.Error() != "Not the bytes." || got.Status != file.Rejected {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatIsThereAlreadyHasArrived(t *testing.T) {
	d, c := newDepot(t, 3)
	d.plan[1] = []http.HandlerFunc{cut, refuse(412, "PreconditionFailed")}
	if _, err := c.Upload(t.Context(), Upload{Name: "a", Size: 3, Content: strings.NewReader("abc")}); err != nil {
		t.Error(err)
	}
}

func TestAFileThatShrinksIsNotSentAgainAndAgain(t *testing.T) {
	d, c := newDepot(t, 5000)
	r := &shrinking{data: content(5000)}
	_, err := c.Upload(t.Context(), Upload{Name: "a", ContentType: "x/y", Size: 5000, Content: r})
	if n := d.count()[0]; !errors.Is(err, errChanged) || n > 5 {
		t.Errorf("%v after %d tries", err, n)
	}
}

// shrinking loses its end once it has been read.
type shrinking struct {
	mu   sync.Mutex
	data []byte
}

// ReadAt implements io.ReaderAt.
func (s *shrinking) ReadAt(p []byte, at int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := bytes.NewReader(s.data).ReadAt(p, at)
	if at+int64(n) >= 5000 {
		s.data = s.data[:4200]
	}
	return n, err
}

func TestAStorageThatStaysAwayIsSaid(t *testing.T) {
	d, c := newDepot(t, 3)
	for range partTries {
		d.plan[1] = append(d.plan[1], refuse(503, "SlowDown"))
	}
	_, err := c.Upload(t.Context(), Upload{Name: "a", Size: 3, Content: strings.NewReader("abc")})
	e, ok := errors.AsType[*StorageError](err)
	if n := d.count()[0]; !ok || *e != (StorageError{Status: 503, Code: "SlowDown"}) || n != partTries {
		t.Errorf("%v after %d tries", err, n)
	}
}

func TestAFileThatIsTooLargeIsNotEvenRead(t *testing.T) {
	_, c := newDepot(t, 0)
	if _, err := c.Upload(t.Context(), Upload{Size: file.MaxSize + 1}); !IsCode(err, "file_too_large") {
		t.Error(err)
	}
}

func TestAnUploadThatTookTooLongEnds(t *testing.T) {
	d, c := newDepot(t, 3)
	d.plan[1] = []http.HandlerFunc{refuse(404, "NoSuchUpload")}
	d.gone = true
	_, err := c.Upload(t.Context(), Upload{Name: "a", Size: 3, Content: strings.NewReader("abc")})
	if !IsCode(err, "upload_expired") || d.count()[0] != 1 {
		t.Errorf("%v after %d tries", err, d.count()[0])
	}
}

func TestURLsThatAreTooOldAreNotUsed(t *testing.T) {
	d, c := newDepot(t, 3)
	old := transferState{File: "F", Status: file.Uploading, PartSize: partSize, Parts: []part{{Number: 1, URL: "http://127.0.0.1:1/old"}}}
	tr := newTransfer(c, Upload{Size: 3, Content: strings.NewReader("abc")}, old, func(Progress) {})
	tr.fetched = time.Now().Add(-file.URLLife)
	if err := tr.bring(t.Context(), 1); err != nil || string(d.whole()) != "abc" {
		t.Errorf("%q arrived, %v", d.whole(), err)
	}
}

func TestTypeOf(t *testing.T) {
	for name, want := range map[string]string{"a.pdf": "application/pdf", "a.html": "text/html", "a": "image/png", "a.nonsense": "image/png"} {
		u := Upload{Name: name, Content: strings.NewReader("\x89PNG\r\n\x1a\n")}
		if got := typeOf(u); got != want {
			t.Errorf("%s: %s; want %s", name, got, want)
		}
	}
	if got := typeOf(Upload{ContentType: "text/markdown; charset=utf-8", Content: strings.NewReader("")}); got != "text/markdown" {
		t.Errorf("declared: %s", got)
	}
}
