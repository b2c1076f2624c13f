//go:build service

package ledger_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/scripts/internal/ledger"
	"parley/scripts/internal/ledger/prose"
	"parley/scripts/internal/runtimeapi"
	"parley/shared/queue"
)

// fileRows counts what another user does with a file of 8 MB, with one of 64 MB, and
// in a chat.
func (b *book) fileRows() []ledger.FileRow {
	b.t.Helper()
	defer func(user, token string) { b.user, b.token = user, token }(b.user, b.token)
	b.user, b.token, _ = b.signUp(3)
	b.way(pdf(128<<10, 1)) // all functions have served before
	var rows []ledger.FileRow
	for _, size := range []struct {
		name  string
		bytes int
	}{{"8 MB", 8 << 20}, {"64 MB", 64 << 20}} {
		for _, row := range b.way(pdf(size.bytes, uint64(size.bytes))) {
			row.What = size.name + ": " + row.What
			rows = append(rows, row)
		}
	}
	return append(rows, b.turnsWithFile()...)
}

// turnsWithFile counts what a file adds to the turn whose question brings it, and to
// the next one.
func (b *book) turnsWithFile() (rows []ledger.FileRow) {
	b.t.Helper()
	content := pdf(128<<10, 2)
	name, _ := b.upload(content)
	b.process(name, len(content))
	turn := func(chatID string, seed uint64, files ...string) turnCalls {
		b.lookAtQueue()
		return b.turn(chatID, seed, files...)
	}
	plain, with := turn("", 201), turn("", 201, name)
	rows = append(rows, added("a file that a question brings, on top of its turn", plain, with))
	b.told(name)
	plain, with = turn(plain.ids.Chat, 202), turn(with.ids.Chat, 202)
	b.told(name)
	return append(rows, added("the same file in each later turn, from the worker's memory", plain, with))
}

// told asserts that the engine was just told what is in a file.
func (b *book) told(name string) {
	b.t.Helper()
	requests := b.engine.Requests()
	said, err := json.Marshal(requests[len(requests)-1].Messages)
	if err != nil || !bytes.Contains(said, []byte("[report.pdf, page 20]")) {
		b.t.Errorf("the engine was told nothing of file %s, %v", name, err)
	}
}

// added is what the second of two turns costs more.
func added(what string, plain, with turnCalls) ledger.FileRow {
	all := func(c turnCalls) ledger.Figures { return ledger.Sum(slices.Concat(c.send, c.worker)) } // the relay knows no files
	f := all(with).Less(all(plain))
	f.Rounds, f.SentBytes, f.GotBytes = ledger.Rounds(with.send)-ledger.Rounds(plain.send), 0, 0
	return ledger.FileRow{What: what, Figures: f}
}

// way takes a file all the way: sent, processed, downloaded, deleted.
func (b *book) way(content []byte) []ledger.FileRow {
	b.t.Helper()
	name, upload := b.upload(content)
	process := b.process(name, len(content))
	again := b.uploadAgain(name, content)
	return []ledger.FileRow{upload, process, again, b.download(name, content), b.remove(name, content)}
}

// progress is what is read of the answer to a new upload.
type progress struct {
	ID    string `json:"file_id"`
	Parts []struct {
		Number  int
		Size    int
		URL     string
		Headers map[string]string
	}
}

func wish(content []byte) string {
	sum := sha256.Sum256(content)
	body, _ := json.Marshal(object{"name": "report.pdf", "size": len(content), "content_type": "application/pdf", "sha256": hex.EncodeToString(sum[:])})
	return string(body) // strings and numbers can be encoded
}

// upload sends a file as clients do.
func (b *book) upload(content []byte) (name string, row ledger.FileRow) {
	b.t.Helper()
	row = ledger.FileRow{What: "upload", Requests: 2}
	var p progress
	calls := b.count(func() { b.decode(b.call("upload", "POST", "/v1/uploads", wish(content), 201), &p) })
	sent := b.count(func() {
		for rest := content; len(p.Parts) > 0; p.Parts = p.Parts[1:] {
			part := p.Parts[0]
			b.transfer("PUT", part.URL, part.Headers, rest[:part.Size])
			rest = rest[part.Size:]
		}
	})
	row.ClientPuts = ledger.Sum(sent).S3Puts
	calls = append(calls, b.count(func() { b.call("upload", "POST", "/v1/uploads/"+p.ID+"/complete", "{}", 202) })...)
	row.Figures, row.Moved = ledger.Sum(calls), moved(calls)
	return p.ID, row
}

// uploadAgain wishes to send what its user has.
func (b *book) uploadAgain(name string, content []byte) ledger.FileRow {
	b.t.Helper()
	var p progress
	calls := b.count(func() { b.decode(b.call("upload", "POST", "/v1/uploads", wish(content), 200), &p) })
	if p.ID != name {
		b.t.Errorf("the same bytes are file %s, not %s", p.ID, name)
	}
	return ledger.FileRow{What: "the same file again", Figures: ledger.Sum(calls), Requests: 1}
}

// process has the function do what it does when S3 says that a file has arrived.
func (b *book) process(name string, size int) ledger.FileRow {
	b.t.Helper()
	key := "incoming/" + b.user + "/" + name
	notice, _ := json.Marshal(object{"Records": []object{{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": time.Now().UTC(),
		"s3": object{"bucket": object{"name": b.Files}, "object": object{"key": key, "size": size, "versionId": b.version(key)}}}}})
	calls, own := b.event("process-upload", string(notice))
	b.t.Logf("process-upload: %d bytes, %v of its own", size, own)
	if f := b.file(name); f.Status != "ready" || f.Pages == 0 || f.Note != nil {
		b.t.Fatalf("the file is %+v", f)
	}
	return ledger.FileRow{What: "process", Figures: ledger.Sum(calls), Events: 1, Notices: 1, Moved: moved(calls) + size} // and S3 copies it once
}

// event gives a function a message from its queue, and returns what it called and for
// how long it waited for none of that.
func (b *book) event(function, body string) (calls []ledger.Call, own time.Duration) {
	b.t.Helper()
	e := b.environment(function)
	message, _ := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m", ReceiptHandle: "r", Body: body, EventSource: "aws:sqs",
		Attributes: map[string]string{"ApproximateReceiveCount": "1"}}}})
	var res runtimeapi.Result
	calls = b.count(func() {
		var err error
		if res, err = e.Invoke(b.t.Context(), message); err != nil {
			b.t.Fatal(err)
		}
	})
	if got := string(res.Payload); got != `{"batchItemFailures":[]}` {
		b.t.Fatalf("%s answers %s", function, got)
	}
	return calls, res.Duration - ledger.Waited(calls)
}

type shown struct {
	Status string
	Pages  int
	Note   any
}

func (b *book) file(name string) (f shown) {
	b.t.Helper()
	b.decode(b.call("files", "GET", "/v1/files/"+name, "", 200), &f)
	return f
}

// download reads a file as clients do.
func (b *book) download(name string, content []byte) ledger.FileRow {
	b.t.Helper()
	var to string
	calls := b.count(func() { to = b.call("files", "GET", "/v1/files/"+name+"/content", "", 302).Header.Get("Location") })
	var got []byte
	read := b.count(func() { got = b.transfer("GET", to, nil, nil) })
	if !bytes.Equal(got, content) {
		b.t.Errorf("%d bytes came back of %d", len(got), len(content))
	}
	return ledger.FileRow{What: "download", Figures: ledger.Sum(calls), Requests: 1, ClientGets: ledger.Sum(read).S3Gets}
}

// remove deletes a file, and everything of it.
func (b *book) remove(name string, content []byte) ledger.FileRow {
	b.t.Helper()
	calls := b.count(func() { b.call("files", "DELETE", "/v1/files/"+name, "", 204) })
	sum := sha256.Sum256(content)
	job, _ := json.Marshal(queue.PurgeJob{Version: 2, User: b.user, File: name, SHA256: hex.EncodeToString(sum[:])}) // as is queued, for a minute later
	gone, _ := b.event("purge", string(job))
	if left := b.objects(); left > 0 {
		b.t.Errorf("%d objects are left", left)
	}
	return ledger.FileRow{What: "delete", Figures: ledger.Sum(append(calls, gone...)), Requests: 1, Events: 1}
}

// objects returns how many objects the files bucket has, old versions included, and
// version the newest of one.
func (b *book) objects() int {
	b.t.Helper()
	out, err := b.S3.ListObjectVersions(b.t.Context(), &s3.ListObjectVersionsInput{Bucket: &b.Files})
	if err != nil {
		b.t.Fatal(err)
	}
	return len(out.Versions) + len(out.DeleteMarkers)
}

func (b *book) version(key string) string {
	b.t.Helper()
	out, err := b.S3.HeadObject(b.t.Context(), &s3.HeadObjectInput{Bucket: &b.Files, Key: &key})
	if err != nil {
		b.t.Fatal(err)
	}
	return *out.VersionId
}

// moved returns how many bytes functions had from S3 and gave it.
func moved(calls []ledger.Call) (n int) {
	for _, c := range calls {
		if c.Service == ledger.S3 {
			n += c.Sent + c.Received
		}
	}
	return n
}

// transfer asks S3 by a signed URL and expects success.
func (b *book) transfer(method, url string, headers map[string]string, body []byte) []byte {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 {
		b.t.Fatalf("%s: %s %.200s, %v", method, res.Status, got, err)
	}
	return got
}

func (b *book) decode(res runtimeapi.Response, to any) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(res.Body), to); err != nil {
		b.t.Fatalf("%s: %v", res.Body, err)
	}
}

// pdf makes a document of that many bytes: 20 pages of English, and noise as that of
// pictures.
func pdf(size int, seed uint64) []byte {
	const pages = 20
	var w bytes.Buffer
	var at []int
	add := func(format string, args ...any) {
		at = append(at, w.Len())
		fmt.Fprintf(&w, "%d 0 obj\n", len(at))
		fmt.Fprintf(&w, format, args...)
		w.WriteString("\nendobj\n")
	}
	w.WriteString("%PDF-1.4\n")
	add("<</Type/Catalog/Pages 2 0 R>>")
	kids := ""
	for n := range pages {
		kids += fmt.Sprintf("%d 0 R ", 4+2*n)
	}
	add("<</Type/Pages/Count %d/Kids[%s]>>", pages, kids)
	add("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
	for n := range pages {
		text := pageText(seed + uint64(n))
		add("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 3 0 R>>>>/Contents %d 0 R>>", 5+2*n)
		add("<</Length %d>>stream\n%s\nendstream", len(text), text)
	}
	const tail = 1500 // about what follows the noise
	noise := make([]byte, max(size-w.Len()-tail, 0))
	fill(noise, seed)
	add("<</Length %d>>stream\n%s\nendstream", len(noise), noise)
	xref := w.Len()
	fmt.Fprintf(&w, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, offset := range at {
		fmt.Fprintf(&w, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&w, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, xref)
	return append(w.Bytes(), bytes.Repeat([]byte(" "), max(size-w.Len(), 0))...)[:size]
}

// pageText shows 50 lines of English.
func pageText(seed uint64) string {
	text := "BT /F 10 Tf 12 TL 40 800 Td\n"
	words := bytes.Fields([]byte(prose.English(4000, seed)))
	for line := range 50 {
		from := line * 10
		if from+10 > len(words) {
			break
		}
		text += fmt.Sprintf("(%s) Tj T*\n", bytes.Join(words[from:from+10], []byte(" ")))
	}
	return text + "ET"
}

func fill(b []byte, seed uint64) {
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24)})
	r.Read(b) // never fails
}
