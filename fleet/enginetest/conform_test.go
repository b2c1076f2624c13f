package enginetest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/fleet/enginetest"
)

// What is promised of this engine is checked here, and with the same table of the
// real one (conform_service_test.go).
func TestConforms(t *testing.T) {
	e := enginetest.New(t)
	e.Pace = 2 * time.Millisecond
	conform(t, e.URL)
}

// fresh connects anew for each request: llama.cpp closes connections when it likes.
var fresh = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

const question = "Count from one to ten in words."

func conform(t *testing.T, url string) {
	for name, check := range map[string]func(server, *testing.T){
		"health":               server.healthy,
		"streams":              server.streams,
		"answers in one piece": server.answersWhole,
		"counts":               server.counts,
		"limits":               server.limits,
		"stops before":         server.stopsBefore,
		"continues":            server.continues,
		"no cut grammar":       server.refusesCutGrammar,
		"bad requests":         server.refuses,
		"slots and metrics":    server.showsLoad,
		"frees its slot":       server.freesItsSlot,
	} {
		t.Run(name, func(t *testing.T) { check(server{url}, t) })
	}
}

// server is one under test.
type server struct{ url string }

// answer is a whole answer as it came.
type answer struct {
	Status  int
	Chunks  []string // text of each event that had some
	Finish  string
	Prompt  int
	Output  int
	Total   int
	Done    bool // [DONE] came last
	Refusal string
}

func (a answer) text() string { return strings.Join(a.Chunks, "") }

// ask sends a request, whose fields more adds to or replaces.
func (e server) ask(ctx context.Context, t *testing.T, begun string, more map[string]any) *http.Response {
	t.Helper()
	messages := []map[string]string{{"role": "user", "content": question}}
	if begun != "" {
		messages = append(messages, map[string]string{"role": "assistant", "content": begun})
	}
	body := map[string]any{"messages": messages, "stream": true, "temperature": 0, "max_tokens": 12,
		"stream_options": map[string]any{"include_usage": true}}
	for k, v := range more {
		body[k] = v
	}
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url+"/v1/chat/completions", strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := fresh.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

type event struct {
	Object  string
	Choices []struct {
		Delta   struct{ Role, Content *string }
		Message struct{ Content string }
		Finish  *string `json:"finish_reason"`
	}
	Usage *struct {
		Prompt int `json:"prompt_tokens"`
		Output int `json:"completion_tokens"`
		Total  int `json:"total_tokens"`
	}
	Error struct{ Message string }
}

// read takes a streamed answer to its end.
func (e server) read(t *testing.T, begun string, more map[string]any) (a answer) {
	t.Helper()
	resp := e.ask(t.Context(), t, begun, more)
	a.Status = resp.StatusCode
	if a.Status != http.StatusOK {
		var doc event
		if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
			t.Fatalf("status %d without a reason: %v", a.Status, err)
		}
		a.Refusal = doc.Error.Message
		return a
	}
	lines := bufio.NewScanner(resp.Body)
	for n := 0; lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			a.Done = true
			continue
		}
		var ev event
		if err := json.Unmarshal([]byte(data), &ev); err != nil || ev.Object != "chat.completion.chunk" || a.Done {
			t.Fatalf("event %d: %s (%v)", n, data, err)
		}
		a.take(t, n, ev)
		n++
	}
	return a
}

func (a *answer) take(t *testing.T, n int, ev event) {
	t.Helper()
	if u := ev.Usage; u != nil {
		if len(ev.Choices) > 0 || a.Finish == "" {
			t.Errorf("the usage came with choices or before the end")
		}
		a.Prompt, a.Output, a.Total = u.Prompt, u.Output, u.Total
		return
	}
	if len(ev.Choices) != 1 || a.Finish != "" {
		t.Fatalf("event %d has %d choices after finish %q", n, len(ev.Choices), a.Finish)
	}
	c := ev.Choices[0]
	if n == 0 && (c.Delta.Role == nil || *c.Delta.Role != "assistant") {
		t.Errorf("the first event has no role")
	}
	if c.Delta.Content != nil && *c.Delta.Content != "" {
		a.Chunks = append(a.Chunks, *c.Delta.Content)
	}
	if c.Finish != nil {
		a.Finish = *c.Finish
	}
}

func (e server) get(t *testing.T, path string) (status int, body string) {
	t.Helper()
	resp, err := fresh.Get(e.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func (e server) healthy(t *testing.T) {
	if status, _ := e.get(t, "/health"); status != http.StatusOK {
		t.Errorf("health: status %d", status)
	}
	if status, body := e.get(t, "/v1/models"); status != http.StatusOK || !strings.Contains(body, `"data":[{`) {
		t.Errorf("models: status %d, %s", status, body)
	}
}

func (e server) streams(t *testing.T) {
	if a := e.read(t, "", nil); a.Status != http.StatusOK || !a.Done || len(a.Chunks) < 8 || a.Finish == "" {
		t.Errorf("got %+v", a)
	}
}

func (e server) answersWhole(t *testing.T) {
	streamed := e.read(t, "", nil)
	for begun, want := range map[string]string{"": streamed.text(), streamed.Chunks[0]: streamed.text()} {
		resp := e.ask(t.Context(), t, begun, map[string]any{"stream": false, "max_tokens": 12 - min(len(begun), 1)})
		var ev event
		if err := json.NewDecoder(resp.Body).Decode(&ev); err != nil || ev.Object != "chat.completion" || ev.Usage == nil || ev.Choices[0].Finish == nil {
			t.Fatalf("%+v, %v", ev, err)
		}
		if got := ev.Choices[0].Message.Content; got != want {
			t.Errorf("from %q: got %q, want %q", begun, got, want)
		}
	}
}

func (e server) counts(t *testing.T) {
	a := e.read(t, "", map[string]any{"max_tokens": 9})
	if a.Output != 9 || a.Output != len(a.Chunks) || a.Prompt < 7 || a.Total != a.Prompt+a.Output {
		t.Errorf("got %+v", a)
	}
	if none := e.read(t, "", map[string]any{"stream_options": nil}); none.Output != 0 || !none.Done {
		t.Errorf("a usage that nobody asked for: %+v", none)
	}
}

func (e server) limits(t *testing.T) {
	a := e.read(t, "", map[string]any{"max_tokens": 5})
	if a.Finish != "length" || a.Output != 5 {
		t.Errorf("got %+v", a)
	}
}

// A stop string ends the answer before it, though its tokens were made.
func (e server) stopsBefore(t *testing.T) {
	whole := e.read(t, "", nil)
	word := strings.TrimSpace(whole.Chunks[5])
	a := e.read(t, "", map[string]any{"stop": []string{word}})
	want, _, _ := strings.Cut(whole.text(), word)
	if a.Finish != "stop" || a.text() != want || a.Output < len(a.Chunks) {
		t.Errorf("stop at %q: got %+v, want %q", word, a, want)
	}
}

// Wherever an answer is cut at a token's end, the rest is what would have come.
func (e server) continues(t *testing.T) {
	whole := e.read(t, "", nil)
	for n := 1; n < len(whole.Chunks); n += 3 {
		begun := strings.TrimRight(strings.Join(whole.Chunks[:n], ""), " \t\r\n")
		a := e.read(t, begun, map[string]any{"max_tokens": 12 - n, "continue_final_message": true, "add_generation_prompt": false})
		if got := begun + a.text(); !strings.HasPrefix(whole.text(), got) || len(a.Chunks) == 0 || a.Output > 12-n {
			t.Errorf("cut after %d: %q goes on with %q", n, begun, a.text())
		}
	}
}

func (e server) refusesCutGrammar(t *testing.T) {
	format := map[string]any{"response_format": map[string]any{"type": "json_object"}, "max_tokens": 40}
	if a := e.read(t, "", format); a.Status != http.StatusOK || !strings.HasPrefix(strings.TrimSpace(a.text()), "{") {
		t.Errorf("uncut: %+v", a)
	}
	if a := e.read(t, `Well, "`, format); a.Status != http.StatusBadRequest || a.Refusal == "" {
		t.Errorf("cut: %+v", a)
	}
}

func (e server) refuses(t *testing.T) {
	for name, more := range map[string]map[string]any{
		"messages of a wrong type": {"messages": "hello"},
		"no messages":              {"messages": nil},
	} {
		if a := e.read(t, "", more); a.Status != http.StatusBadRequest || a.Refusal == "" {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

func (e server) busy(t *testing.T) int {
	t.Helper()
	_, body := e.get(t, "/slots")
	var slots []struct {
		Processing bool `json:"is_processing"`
	}
	if err := json.Unmarshal([]byte(body), &slots); err != nil || len(slots) == 0 {
		t.Fatalf("slots: %s", body)
	}
	n := 0
	for _, s := range slots {
		if s.Processing {
			n++
		}
	}
	return n
}

func (e server) showsLoad(t *testing.T) {
	resp := e.ask(t.Context(), t, "", map[string]any{"max_tokens": 200})
	if _, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if e.busy(t) == 0 {
		t.Error("no slot is busy")
	}
	_, body := e.get(t, "/metrics")
	names := []string{"llamacpp:prompt_tokens_total", "llamacpp:prompt_tokens_cached_total", "llamacpp:tokens_predicted_total",
		"llamacpp:requests_processing", "llamacpp:requests_deferred"}
	for line := range strings.Lines(body) {
		name, _, _ := strings.Cut(line, " ")
		names = slices.DeleteFunc(names, func(n string) bool { return n == name })
	}
	if len(names) > 0 {
		t.Errorf("metrics lack %v", names)
	}
	if _, body := e.get(t, "/props"); !strings.Contains(body, `"total_slots":`) || !strings.Contains(body, `"n_ctx":`) {
		t.Errorf("props: %s", body)
	}
}

// A client that goes away frees its slot within half a second.
func (e server) freesItsSlot(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	resp := e.ask(ctx, t, "", map[string]any{"max_tokens": 400, "messages": []map[string]string{
		{"role": "user", "content": fmt.Sprint("Count from 1 to 400. ", enginetest.Orders("words=400"))}}})
	if _, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	leave()
	began := time.Now()
	for e.busy(t) > 0 {
		if time.Since(began) > 500*time.Millisecond {
			t.Fatal("the slot stays busy")
		}
		time.Sleep(2 * time.Millisecond)
	}
}
