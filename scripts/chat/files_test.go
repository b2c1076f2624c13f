package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/scripts/internal/client"
	"parley/shared/file"
)

// write makes a file in a folder of the test's own.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// taker is a server that takes one upload in two parts. The second is held back
// until it is let go, unless that was before.
type taker struct {
	*httptest.Server
	mu    sync.Mutex
	parts map[string]string
	puts  []string
	asked []string // bodies of questions
	held  chan struct{}
	gone  chan struct{} // its client gave up
	letGo chan struct{}
}

func newTaker(t *testing.T) *taker {
	k := &taker{parts: map[string]string{}, held: make(chan struct{}, 9), gone: make(chan struct{}, 9), letGo: make(chan struct{})}
	k.Server = httptest.NewServer(k)
	t.Cleanup(func() { k.CloseClientConnections(); k.Close() })
	return k
}

func (k *taker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == "PUT" {
		k.put(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	k.mu.Lock()
	defer k.mu.Unlock()
	at := r.Method + " " + r.URL.Path
	switch at {
	case "POST /v1/login", "POST /v1/token":
		io.WriteString(w, pair)
	case "POST /v1/uploads", "GET /v1/uploads/F":
		io.WriteString(w, k.state())
	case "POST /v1/uploads/F/complete":
		io.WriteString(w, `{"file_id":"F","status":"processing"}`)
	case "GET /v1/files/F":
		io.WriteString(w, k.file())
	case "GET /v1/files":
		fmt.Fprintf(w, `{"items":[%s],"next_cursor":""}`, k.file())
	case "POST /v1/messages":
		k.asked = append(k.asked, string(body))
		io.WriteString(w, `{"chat_id":"C","message_id":"M","reply_id":"R","status":"queued"}`)
	case "GET /v1/chats/C/messages/R/stream":
		io.WriteString(w, "id: 1\nevent: delta\ndata: {\"text\":\"Seen.\"}\n\nid: 2\nevent: done\ndata: {\"finish_reason\":\"stop\"}\n\n")
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, `{"code":"not_found","detail":"%s"}`, at)
	}
}

func (k *taker) file() string {
	return `{"file_id":"F","name":"two\u001b[2J parts.txt","size":6,"status":"ready","pages":2,"malware_scan":"not_scanned",
		"note":{"code":"truncated","detail":"Only its beginning was read."},"created_at":"2026-01-02T03:04:05Z"}`
}

func (k *taker) state() string {
	var missing []string
	for _, n := range []string{"1", "2"} {
		if _, ok := k.parts[n]; !ok {
			missing = append(missing, fmt.Sprintf(`{"number":%s,"url":"%s/part?%s"}`, n, k.URL, n))
		}
	}
	return `{"file_id":"F","status":"uploading","part_size":4,"parts":[` + strings.Join(missing, ",") + `]}`
}

func (k *taker) put(_ http.ResponseWriter, r *http.Request) {
	n := r.URL.RawQuery
	k.mu.Lock()
	k.puts = append(k.puts, n)
	k.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if n == "2" {
		k.held <- struct{}{}
		select {
		case <-k.letGo:
		case <-r.Context().Done():
			k.gone <- struct{}{}
			return
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		k.parts[n] = string(body)
	}
}

func TestAttachedFilesGoWithTheNextQuestion(t *testing.T) {
	t.Setenv("PARLEY_HOME", t.TempDir())
	k := newTaker(t)
	close(k.letGo)
	path := write(t, "two parts.txt", "abcdef")
	got, err := talk(t, k.URL, "l", "ada@example.com", "correct horse",
		`/attach "`+path+`"`, "/files", "/detach 7", "What is it?", "And now?", "/attach "+path, "/detach 1", "/attach", "/quit")
	if err != nil {
		t.Fatal(err)
	}
	const about = "two[2J parts.txt, 6 B, 2 pages, not scanned for malware. Only its beginning was read\n"
	for _, want := range []string{"Attached " + about, "  " + about, "1 to 1", "Seen.\n", "Without two[2J parts.txt.", "Name a file"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if d := cmp.Diff([]string{`{"text":"What is it?","attachments":["F"]}`, `{"chat_id":"C","text":"And now?"}`}, k.asked); d != "" {
		t.Error(d)
	}
	if k.parts["1"]+k.parts["2"] != "abcdef" {
		t.Errorf("arrived: %q", k.parts)
	}
}

func TestCtrlCLeavesAnUploadToBeResumed(t *testing.T) {
	t.Setenv("PARLEY_HOME", t.TempDir())
	k := newTaker(t)
	path := write(t, "a.txt", "abcdef")
	vault, _ := openVault(k.URL)
	marks, err := openMarks(vault)
	if err != nil {
		t.Fatal(err)
	}
	in, keyboard, _ := os.Pipe()
	defer keyboard.Close()
	out, _ := os.Create(filepath.Join(t.TempDir(), "out"))
	left := false
	s := &session{client: client.New(k.URL, nil), console: newConsole(t.Context(), in, out), marks: marks, stop: &stopper{leave: func() { left = true }}}
	if err := s.client.LogIn(t.Context(), "ada@example.com", "correct horse"); err != nil {
		t.Fatal(err)
	}
	go func() {
		<-k.held
		for k.has("1") == "" {
			time.Sleep(time.Millisecond)
		}
		s.stop.press()
	}()
	err = s.attach(t.Context(), path)
	printed, _ := os.ReadFile(out.Name())
	if err != nil || left || len(s.attached) != 0 || !strings.Contains(string(printed), "(Stopped. /attach the same file again to go on.)") {
		t.Fatalf("%v, left %v, attached %v: %s", err, left, s.attached, printed)
	}
	if m := marks.find(path); m.File != "F" {
		t.Fatalf("kept %+v", m)
	}
	<-k.gone
	close(k.letGo)
	if err := s.attach(t.Context(), path); err != nil || len(s.attached) != 1 {
		t.Fatalf("the second time: %v, attached %v", err, s.attached)
	}
	if d := cmp.Diff([]string{"1", "2", "2"}, k.sorted()); d != "" {
		t.Errorf("parts that were sent: %s", d)
	}
	if m := marks.find(path); m != (client.Mark{}) {
		t.Errorf("kept after its end: %+v", m)
	}
}

func (k *taker) has(n string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.parts[n]
}

// sorted lists the parts that came, each as often as it did.
func (k *taker) sorted() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := append([]string{}, k.puts...)
	if len(all) > 1 && all[0] == "2" { // the first two came side by side
		all[0], all[1] = all[1], all[0]
	}
	return all
}

func TestARejectedFileIsNotAttached(t *testing.T) {
	t.Setenv("PARLEY_HOME", t.TempDir())
	s := server(t, map[string]string{
		"POST /v1/login": pair, "POST /v1/token": pair,
		"POST /v1/uploads": `{"file_id":"F","status":"processing"}`,
		"GET /v1/files/F":  `{"file_id":"F","status":"rejected","reason":{"code":"malware","detail":"There is malware in it."}}`,
	})
	path := write(t, "a.txt", "abc")
	_, err := talk(t, s.URL, "l", "ada@example.com", "correct horse", "/attach "+path)
	if _, ok := errors.AsType[*client.Rejected](err); !ok || explain(err) != "There is malware in it." {
		t.Errorf("got %v", err)
	}
	v, _ := openVault(s.URL)
	if m, _ := openMarks(v); m.find(path) != (client.Mark{}) {
		t.Error("it would be taken up again")
	}
}

func TestWords(t *testing.T) {
	for in, want := range map[string][]string{
		``: nil, `a  b`: {"a", "b"}, `"a b" c`: {"a b", "c"}, `a\ b`: {"a b"}, `'a\b' ""`: {`a\b`, ""}, `x"y z"`: {"xy z"},
	} {
		if got, err := words(in); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("%s: %q, %v", in, got, err)
		}
	}
	if _, err := words(`"a b`); !errors.Is(err, errQuote) {
		t.Error(err)
	}
}

func TestPaths(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	spaced := write(t, "with two spaces.txt", "x")
	for in, want := range map[string][]string{
		spaced: {spaced}, "~/a ~": {filepath.Join(home, "a"), home}, "'/x y' /z/../w": {"/x y", "/w"},
	} {
		if got, err := paths(in); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("%s: %q, %v", in, got, err)
		}
	}
}

func TestMarksOfLongAgoGo(t *testing.T) {
	m := marks{folder: t.TempDir()}
	if err := m.keep("/old", client.Mark{File: "F"}); err != nil {
		t.Fatal(err)
	}
	m.sweep(time.Now().Add(2*file.UploadLife - time.Minute))
	if m.find("/old").File != "F" {
		t.Error("a mark that is good still is gone")
	}
	m.sweep(time.Now().Add(2*file.UploadLife + time.Minute))
	if m.find("/old").File != "" {
		t.Error("the mark is still there")
	}
}

func TestMeter(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	in, _, _ := os.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := &meter{console: newConsole(ctx, in, os.Stdout), name: "a.pdf", now: func() time.Time { return at }}
	const mb = 1 << 20
	for _, step := range []struct {
		after time.Duration
		p     client.Progress
		want  string
	}{
		{0, client.Progress{Step: client.Hashing, Done: 8 * mb, Total: 16 * mb}, "a.pdf  hashing [######------]  50 %  8.0 MB of 16.0 MB"},
		{0, client.Progress{Step: client.Sending, Done: 8 * mb, Total: 16 * mb}, "a.pdf  sending [######------]  50 %  8.0 MB of 16.0 MB"},
		{2 * time.Second, client.Progress{Step: client.Sending, Done: 10 * mb, Total: 16 * mb}, "a.pdf  sending [#######-----]  62 %  10.0 MB of 16.0 MB  1.0 MB/s  6s left"},
		{time.Second, client.Progress{Step: client.Sending, Done: 7 * mb, Total: 16 * mb}, "a.pdf  sending [#####-------]  44 %  7.0 MB of 16.0 MB"},
		{7 * time.Second, client.Progress{Step: client.Sending, Done: 16 * mb, Total: 16 * mb}, "a.pdf  sending [############] 100 %  16.0 MB of 16.0 MB  1.3 MB/s"},
		{0, client.Progress{Step: client.Processing, Stage: file.Scan, Done: 16 * mb, Total: 16 * mb}, "a.pdf  is scanned for malware …"},
		{0, client.Progress{Step: client.Sending}, "a.pdf  sending [############] 100 %  0 B of 0 B"},
	} {
		at = at.Add(step.after)
		m.show(step.p)
		if got := m.line(at); got != step.want {
			t.Errorf("got  %s\nwant %s", got, step.want)
		}
	}
}
