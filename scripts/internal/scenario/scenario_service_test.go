//go:build service

// Package scenario proves what Parley promises its users by living through it:
// real functions, real queues, a real model.
package scenario

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/scripts/internal/client"
	"parley/scripts/internal/stack"
	"parley/shared/chat"
)

// pocket keeps a session over restarts, as a browser does.
type pocket struct {
	mu    sync.Mutex
	token string
}

// Rotate implements client.Vault.
func (p *pocket) Rotate(_ context.Context, exchange func(string) (string, error)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	token, err := exchange(p.token)
	if err == nil {
		p.token = token
	}
	return err
}

func begin(t *testing.T, data string, port int) *stack.Stack {
	t.Helper()
	s, err := stack.Start(t.Context(), stack.Options{Root: "../../..", Data: data, Port: port, FreePorts: true, Progress: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// freePort finds one for both starts: Parley's address is part of what is deployed.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// ask sends a question and reads its answer from the stream to the end.
func ask(t *testing.T, c *client.Client, q client.Question) (accepted client.Accepted, answer string) {
	t.Helper()
	accepted, err := c.Send(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for e, err := range c.Stream(t.Context(), accepted.Chat, accepted.Reply) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Name == "error" {
			t.Fatalf("reply failed: %s: %s", e.Code, e.Detail)
		}
		text.WriteString(e.Text)
	}
	return accepted, text.String()
}

func lines(t *testing.T, c *client.Client, chatID string) []string {
	t.Helper()
	page, err := c.Messages(t.Context(), chatID, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, len(page.Items))
	for i, m := range page.Items {
		out[i] = fmt.Sprintf("%s %s: %s", m.Role, m.Status, m.Text)
	}
	return out
}

// TestAConversationOutlivesARestart is a user's first day: sign-up, a question,
// one that needs the answer to the first, a look at the history; then everything
// is stopped and started again.
func TestAConversationOutlivesARestart(t *testing.T) {
	data, port := t.TempDir(), freePort(t)
	first := begin(t, data, port)
	session := &pocket{}
	c := client.New(first.URL(), session)
	who := client.Person{
		Name: "Ada", Email: "ada@example.com", Password: "quiet harbour at dawn",
		Phone: fmt.Sprintf("+1415555%04d", rand.IntN(10000)), Country: "GB",
	}
	if err := c.SignUp(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	one, france := ask(t, c, client.Question{Text: "What is the capital of France?"})
	two, italy := ask(t, c, client.Question{Chat: one.Chat, Text: "And of Italy?"})
	if !strings.Contains(france, "Paris") || !strings.Contains(italy, "Rome") { // the second makes sense after the first only
		t.Errorf("answers: %q, %q", france, italy)
	}
	want := []string{
		"user done: What is the capital of France?", "assistant done: " + france,
		"user done: And of Italy?", "assistant done: " + italy,
	}
	if diff := cmp.Diff(want, lines(t, c, one.Chat)); diff != "" {
		t.Errorf("history: %s", diff)
	}
	first.Stop()

	began := time.Now()
	second := begin(t, data, port)
	t.Logf("second start: %s", time.Since(began).Round(100*time.Millisecond))
	c = client.New(second.URL(), session)
	if _, err := c.Resume(t.Context()); err != nil {
		t.Fatalf("the session is gone: %v", err)
	}
	if diff := cmp.Diff(want, lines(t, c, one.Chat)); diff != "" {
		t.Errorf("history after the restart: %s", diff)
	}
	if m, err := c.Message(t.Context(), two.Chat, two.Reply); err != nil || m.Status != chat.Done || m.Usage.CompletionTokens == 0 {
		t.Errorf("reply after the restart: %+v, %v", m, err)
	}
	if err := client.New(second.URL(), nil).LogIn(t.Context(), who.Email, who.Password); err != nil {
		t.Errorf("log-in after the restart: %v", err)
	}
	if _, again := ask(t, c, client.Question{Chat: one.Chat, Text: "Thank you!"}); again == "" {
		t.Error("no answer after the restart")
	}
}
