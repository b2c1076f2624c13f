package openai

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/chat"
	"parley/shared/problem"
)

func calls(arguments ...string) (all []chat.Call) {
	for _, a := range arguments {
		all = append(all, chat.Call{ID: "c", Type: "function", Function: chat.Called{Name: "f", Arguments: a}})
	}
	return all
}

func recorded(usage bool) (*stream, *httptest.ResponseRecorder) {
	w := httptest.NewRecorder()
	s := newStream(plain{w}, DefaultPace(), heading{ID: "chatcmpl-1", Created: 7, Model: "m"}, usage)
	return s, w
}

// plain is a recorder that knows no deadlines but takes them.
type plain struct{ *httptest.ResponseRecorder }

func (plain) SetWriteDeadline(time.Time) error { return nil }

// What a client gets, to the letter.
func TestChunks(t *testing.T) {
	s, w := recorded(true)
	for _, step := range []error{
		s.progress("Hel", nil), s.progress("Hel", nil), s.progress("Hello", calls(`{"a`)), s.progress("Hello", calls(`{"a":1}`, `{`)),
		s.end(chat.Message{Text: "Hello", Calls: calls(`{"a":1}`, `{}`), Finish: "tool_calls", Usage: &chat.Usage{PromptTokens: 2, CompletionTokens: 3, CachedTokens: 1}}),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	head, null := `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"m","choices":[`, `,"usage":null}`
	choice := func(delta, finish string) string {
		return head + `{"index":0,"delta":{` + delta + `},"logprobs":null,"finish_reason":` + finish + `}]` + null
	}
	want := []string{
		choice(`"role":"assistant","content":""`, `null`),
		choice(`"content":"Hel"`, `null`),
		choice(`"content":"lo"`, `null`),
		choice(`"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"{\"a"}}]`, `null`),
		choice(`"tool_calls":[{"index":0,"function":{"arguments":"\":1}"}},{"index":1,"id":"c","type":"function","function":{"name":"f","arguments":"{"}}]`, `null`),
		choice(`"tool_calls":[{"index":1,"function":{"arguments":"}"}}]`, `null`),
		choice(``, `"tool_calls"`),
		head + `],"usage":{"prompt_tokens":2,"completion_tokens":3,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":1}}}`,
		"data: [DONE]", "",
	}
	if d := cmp.Diff(want, strings.Split(w.Body.String(), "\n\n")); d != "" {
		t.Error(d)
	}
	if got := w.Header().Get("Content-Type"); got != "text/event-stream; charset=utf-8" {
		t.Error(got)
	}
}

// What was sent can't be taken back.
func TestChunksCantBeTakenBack(t *testing.T) {
	for name, next := range map[string]struct {
		text  string
		calls []chat.Call
	}{
		"other text":      {"Hi", calls("{")},
		"less text":       {"Hell", calls("{")},
		"other arguments": {"Hello", calls("[")},
		"no calls":        {"Hello", nil},
	} {
		s, _ := recorded(false)
		if err := s.progress("Hello", calls("{")); err != nil {
			t.Fatal(err)
		}
		if err := s.progress(next.text, next.calls); !errors.Is(err, errReset) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A quiet stream keeps its status until it has waited, then sends comments, each a
// line without an empty one behind it.
func TestQuiet(t *testing.T) {
	s, w := recorded(false)
	next, err := s.quiet()
	if err != nil || s.begun || w.Body.Len() > 0 || next != s.start.Add(s.pace.Silent) {
		t.Errorf("at first: %v, %q", err, w.Body)
	}
	s.start = s.start.Add(-s.pace.Silent)
	if _, err = s.quiet(); err != nil || !s.begun || !strings.HasSuffix(w.Body.String(), "}\n\n:\n") {
		t.Errorf("then: %v, %q", err, w.Body)
	}
	if err := s.fail(errEnding); err != nil || !strings.HasSuffix(w.Body.String(),
		`:`+"\n"+`data: {"error":{"message":"This server is being replaced. Please try again.","type":"server_error","param":null,"code":"shutting_down"}}`+"\n\n") {
		t.Errorf("at the end: %v, %q", err, w.Body)
	}
}

// A client that takes nothing is dropped, with no more held for it than sockets do.
func TestASlowClientIsDropped(t *testing.T) {
	dropped := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s := newStream(w, Pace{Write: 100 * time.Millisecond}, heading{}, false)
		text := ""
		for range 1000 {
			text += strings.Repeat("as long as it gets ", 1000)
			if err := s.progress(text, nil); err != nil {
				dropped <- err
				return
			}
		}
		dropped <- nil
	}))
	defer server.Close()
	resp, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := <-dropped; err == nil {
		t.Error("19 MB went to a client that took none")
	}
}

func TestWhole(t *testing.T) {
	for name, c := range map[string]struct {
		m             chat.Message
		finish        string
		content, call bool
	}{
		"text":       {chat.Message{Text: "a", Finish: "stop"}, "stop", true, false},
		"cut":        {chat.Message{Text: "a", Finish: "length"}, "length", true, false},
		"stopped":    {chat.Message{Text: "a", Finish: "cancelled"}, "stop", true, false},
		"calls":      {chat.Message{Calls: calls("{}"), Finish: "tool_calls"}, "tool_calls", false, true},
		"calls, cut": {chat.Message{Calls: calls("{"), Finish: "length"}, "length", false, true},
		"both":       {chat.Message{Text: "a", Calls: calls("{}"), Finish: "stop"}, "tool_calls", true, true},
		"nothing":    {chat.Message{Finish: "stop"}, "stop", true, false},
	} {
		got := whole(heading{}, c.m).Choices[0]
		if got.Finish != c.finish || (got.Message.Content != nil) != c.content || (len(got.Message.Calls) > 0) != c.call {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Each failure has the status by which SDKs choose their exception.
func TestDescribe(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"too long":  {problemOf(&chat.TooLong), 400, "context_length_exceeded"},
		"refused":   {problemOf(&chat.Refused), 400, "request_refused"},
		"late":      {problemOf(&chat.DeadlineExceeded), 503, "deadline_exceeded"},
		"broken":    {problemOf(&chat.EngineFailed), 500, "engine_failed"},
		"given up":  {problemOf(&chat.Undeliverable), 500, "undeliverable"},
		"a mystery": {errors.New("secret"), 500, "internal"},
		"busy":      {problem.New(problem.Unavailable, "overloaded", "Busy.").After(3 * time.Second), 503, "overloaded"},
	} {
		w := httptest.NewRecorder()
		writeError(w, problem.From(c.err))
		if w.Code != c.status || !strings.Contains(w.Body.String(), `"code":"`+c.code+`"`) || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	writeError(w, problem.New(problem.Exhausted, "rate_limited", "Used up.").After(20*time.Minute))
	if w.Code != 429 || w.Header().Get("Retry-After") != "1200" || w.Header().Get("X-Should-Retry") != "false" || !strings.Contains(w.Body.String(), "rate_limit_exceeded") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}
