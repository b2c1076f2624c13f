package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"parley/scripts/internal/client"
	"parley/shared/chat"
)

// server answers by a table of "METHOD path" to body; an answer that begins with
// "id:" is a stream.
func server(t *testing.T, answers map[string]string) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.Method+" "+r.URL.Path]
		switch {
		case !ok:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprintf(w, `{"code":"not_found","detail":"no answer for %s %s"}`, r.Method, r.URL.Path)
		case strings.HasPrefix(body, "409 "):
			w.WriteHeader(http.StatusConflict)
			io.WriteString(w, body[4:])
		default:
			io.WriteString(w, body)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// talk runs a whole conversation with lines as standard input.
func talk(t *testing.T, url string, lines ...string) (string, error) {
	t.Helper()
	vault, err := openVault(url)
	if err != nil {
		t.Fatal(err)
	}
	in, keyboard, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		io.WriteString(keyboard, strings.Join(lines, "\n"))
		keyboard.Close()
	}()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	marks, err := openMarks(vault)
	if err != nil {
		t.Fatal(err)
	}
	s := &session{client: client.New(url, vault), console: newConsole(ctx, in, out), stop: &stopper{leave: cancel}, marks: marks}
	err = s.run(ctx)
	printed, _ := os.ReadFile(out.Name())
	return string(printed), err
}

const pair = `{"access_token":"a","refresh_token":"r","expires_in":900}`

func TestAConversationThroughAPipe(t *testing.T) {
	t.Setenv("PARLEY_HOME", t.TempDir())
	s := server(t, map[string]string{
		"POST /v1/login":    pair,
		"POST /v1/token":    pair,
		"POST /v1/messages": `{"chat_id":"C","message_id":"M","reply_id":"R","status":"queued"}`,
		"GET /v1/chats/C/messages/R/stream": "id: 1\nevent: status\ndata: {\"status\":\"queued\",\"queue\":{\"ahead\":3,\"eta_seconds\":1}}\n\n" +
			"id: 2\nevent: delta\ndata: {\"text\":\"Par\"}\n\nid: 3\nevent: status\ndata: {\"status\":\"running\",\"reset\":true}\n\n" +
			"id: 4\nevent: delta\ndata: {\"text\":\"Paris\\u001b[2J.\"}\n\nid: 5\nevent: done\ndata: {\"finish_reason\":\"length\"}\n\n",
		"GET /v1/chats": `{"items":[{"chat_id":"C","title":"Capitals","updated_at":"2026-01-02T03:04:05Z"}],"next_cursor":""}`,
		"GET /v1/chats/C/messages": `{"items":[{"message_id":"M","role":"user","status":"done","text":"Capital of France?"},
			{"message_id":"R","parent_id":"M","role":"assistant","status":"done","text":"Paris."}],"next_cursor":""}`,
	})
	got, err := talk(t, s.URL, "l", "ada@example.com", "correct horse", "Capital of France?", "/history", "/open 1", "/nonsense", "/stop", "/quit")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Par\n(The answer starts over.)\nParis[2J.\n(The answer was cut: it reached its greatest length.)\n",
		"*  1  2026-01-02 ", "Capitals\n", "> Capital of France?\nParis.\n",
		"There is no command /nonsense.", "No answer is running.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	again, err := talk(t, s.URL, "Capital of France?")
	if err != io.EOF || !strings.Contains(again, "Paris") {
		t.Errorf("with the kept session: %q, %v", again, err)
	}
}

func TestAPipeEndsAtARefusal(t *testing.T) {
	t.Setenv("PARLEY_HOME", t.TempDir())
	s := server(t, map[string]string{"POST /v1/signup": `409 {"code":"email_taken","detail":"Somebody has this e-mail."}`})
	_, err := talk(t, s.URL, "s", "Ada", "ada@example.com", "+14155550123", "GB", "correct horse")
	if !client.IsCode(err, "email_taken") {
		t.Errorf("got %v", err)
	}
}

func TestNothingRuns(t *testing.T) {
	t.Setenv("PARLEY_HOME", t.TempDir())
	url := "http://127.0.0.1:1"
	vault, _ := openVault(url)
	if err := vault.write("r"); err != nil {
		t.Fatal(err)
	}
	_, err := talk(t, url, "Hi")
	if got := explain(err); got != "Parley doesn't answer at "+url+". Start it with make run, or set PARLEY_URL to where it runs." {
		t.Errorf("got %q", got)
	}
}

func TestVault(t *testing.T) {
	t.Setenv("PARLEY_HOME", filepath.Join(t.TempDir(), "new"))
	one, _ := openVault("http://127.0.0.1:8080/")
	two, _ := openVault("http://127.0.0.1:8080")
	var all sync.WaitGroup
	for range 10 {
		for _, v := range []*vault{one, two} {
			all.Go(func() {
				if err := v.Rotate(t.Context(), func(old string) (string, error) { return old + "x", nil }); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	got, _ := os.ReadFile(one.file)
	info, err := os.Stat(one.file)
	if string(bytes.TrimSpace(got)) != strings.Repeat("x", 20) || err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%q, %v, %v", got, info.Mode(), err)
	}
	if err := one.write(""); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(one.file); !os.IsNotExist(err) {
		t.Errorf("an empty token leaves %v", err)
	}
}

func TestStopIsReadWhileAnAnswerRuns(t *testing.T) {
	for lines, want := range map[string]bool{"/stop\nnext\n": true, "next\n/stop\n": false, "": false} {
		in := readInput(t.Context(), strings.NewReader(lines))
		stopped, done := false, make(chan struct{})
		if lines == "" {
			close(done)
		}
		in.watchFor("/stop", done, func() bool { stopped = true; return true })
		if stopped != want {
			t.Errorf("%q: stopped is %v", lines, stopped)
		}
		if next, _ := in.nextLine(); lines != "" && next != "next" {
			t.Errorf("%q: the next line is %q", lines, next)
		}
	}
}

func TestCtrlC(t *testing.T) {
	var stops, leaves int
	s := &stopper{leave: func() { leaves++ }}
	s.during(func() { stops++ })
	s.press()
	s.halt()
	if stops != 1 || leaves != 0 {
		t.Errorf("while an answer runs: %d stops, %d leaves", stops, leaves)
	}
	s.press()
	if leaves != 1 {
		t.Error("a second Ctrl-C doesn't leave")
	}
}

func TestBranch(t *testing.T) {
	page := []chat.Message{{ID: "1"}, {ID: "2", Parent: "1"}, {ID: "3", Parent: "1"}, {ID: "4", Parent: "2"}}
	var ids []string
	for _, m := range branch(page) {
		ids = append(ids, m.ID)
	}
	if got := strings.Join(ids, " "); got != "1 2 4" {
		t.Errorf("got %s", got)
	}
}
