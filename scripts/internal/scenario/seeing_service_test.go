//go:build service

package scenario

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley/fleet/child"
	"parley/fleet/enginetest"
	"parley/shared/model"
)

// seeing is a model that sees, on an engine of its own whose answers are known, with
// a worker of its own beside the one that the stack has.
type seeing struct {
	*enginetest.Engine
	model  string
	worker string // URL of its probe
}

// startSeeing serves the model with vision that MODELS has, where it says that it is.
func startSeeing(t *testing.T, also ...func(*enginetest.Engine)) seeing {
	t.Helper()
	m, table := sighted(t)
	s := seeing{Engine: &enginetest.Engine{Words: 5, Slots: 4, Context: 4096}, model: m.Name}
	for _, change := range also {
		change(s.Engine)
	}
	u, err := url.Parse(m.Engine)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", u.Host)
	if err != nil {
		t.Fatalf("the place of %s in MODELS is taken: %v", m.Name, err)
	}
	server := httptest.NewUnstartedServer(s.Handler())
	_ = server.Listener.Close()
	server.Listener = l
	server.Start()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	s.worker = startProgram(t, "worker", "/readyz", "ENGINE_URL="+m.Engine, "MODELS="+table)
	return s
}

// sighted finds the model, and returns the table for its worker: there each other
// model is on the stack's own engine, since a row that names none is on every one.
func sighted(t *testing.T) (model.Model, string) {
	t.Helper()
	var rows []map[string]any
	if err := json.Unmarshal([]byte(need(t, "MODELS")), &rows); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row["engine"] == nil {
			row["engine"] = need(t, "ENGINE_URL")
		}
	}
	text, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	table, err := model.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range table.All() {
		if m.Vision {
			return m, string(text)
		}
	}
	t.Fatal("MODELS has no model that sees: scripts/test names one")
	return model.Model{}, ""
}

// startProgram runs one of the stack's own programs once more, with something changed
// in its environment, and returns its URL when it is well. What it asks of AWS is
// recorded as that of the others of its name.
func startProgram(t *testing.T, name, well string, env ...string) string {
	t.Helper()
	at := nobody(t)
	cmd := exec.Command(filepath.Join(need(t, "DATA_DIR"), "bin", name))
	cmd.Dir = "../../.." // as the stack starts them
	cmd.Env = slices.Concat(os.Environ(), []string{"AWS_SDK_UA_APP_ID=" + name, "LISTEN=" + at}, env)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := child.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() })
	waitUntil(t, 30*time.Second, name+" is well", func() bool {
		res, err := http.Get("http://" + at + well)
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return "http://" + at
}

// nobody is an address on this machine at which nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// waitUntil asks again and again, for limit at most.
func waitUntil(t *testing.T, limit time.Duration, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !is(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}

// told is all that the engine was told last.
func (s seeing) told() string { return said(s.lastPrompt()) }

// last is the turn that the engine was asked last.
func (s seeing) last() string {
	turns := s.lastPrompt()
	if len(turns) == 0 {
		return ""
	}
	return turns[len(turns)-1].Content
}

func (s seeing) lastPrompt() []enginetest.Message {
	asked := s.Requests()
	if len(asked) == 0 {
		return nil
	}
	return asked[len(asked)-1].Messages
}

// said is all that an engine was told.
func said(messages []enginetest.Message) string {
	var b strings.Builder
	for _, m := range messages {
		b.WriteString(m.Content + "\n")
	}
	return b.String()
}
