package engine_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"parley/fleet/engine"
	"parley/fleet/enginetest"
	"parley/fleet/prompt"
)

func client(url string) *engine.Client {
	return engine.New(engine.Settings{URL: url, Model: "small", FirstToken: time.Second, Idle: 150 * time.Millisecond})
}

var question = []prompt.Turn{{Role: "user", Text: "Why is it so?"}}

// read returns an answer's text, its last chunk with a usage, and how it ended.
func read(t testing.TB, c *engine.Client, r engine.Request) (text, finish string, usage engine.Chunk, err error) {
	t.Helper()
	s, err := c.Chat(t.Context(), r)
	if err != nil {
		return "", "", usage, err
	}
	defer s.Close()
	for {
		chunk, err := s.Next()
		if err != nil {
			return text, finish, usage, err
		}
		text += chunk.Text
		if chunk.Finish != "" {
			finish = chunk.Finish
		}
		if chunk.Usage != nil {
			usage = chunk
		}
	}
}

func TestChatStreamsAWholeAnswer(t *testing.T) {
	e := enginetest.New(t)
	text, finish, usage, err := read(t, client(e.URL), engine.Request{Turns: question, MaxTokens: 100, User: "somebody", Session: "C"})
	if !errors.Is(err, io.EOF) || text != enginetest.Answer("Why", 20) || finish != "stop" {
		t.Fatalf("got %q, finish %q, %v", text, finish, err)
	}
	if usage.Usage == nil || usage.Usage.CompletionTokens != 20 || usage.Usage.CachedTokens != 3 {
		t.Errorf("usage %+v", usage.Usage)
	}
	got := e.Requests()[0]
	if got.Session != "C" || got.CacheSalt == "" || strings.Contains(got.CacheSalt, "somebody") {
		t.Errorf("the engine got session %q and salt %q", got.Session, got.CacheSalt)
	}
}

// Wherever an answer is cut, white space included, the rest joins to the same.
func TestChatContinues(t *testing.T) {
	e := enginetest.New(t)
	whole := enginetest.Answer("Why", 20)
	for i, r := range whole {
		if r != ' ' {
			continue
		}
		for _, cut := range []int{i, i + 1} {
			text, _, _, err := read(t, client(e.URL), engine.Request{Turns: question, MaxTokens: 100, Continue: whole[:cut]})
			if !errors.Is(err, io.EOF) || whole[:cut]+text != whole {
				t.Fatalf("cut at %d: %q, %v", cut, text, err)
			}
		}
	}
}

func TestFailuresAreToldApart(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(*enginetest.Engine)
		want error
		not  error
	}{
		"loading":     {func(e *enginetest.Engine) { e.Down = true }, engine.ErrDown, engine.ErrBroke},
		"dies":        {func(e *enginetest.Engine) { e.DieAfter, e.Deaths = 3, 1 }, engine.ErrBroke, nil},
		"dies early":  {func(e *enginetest.Engine) { e.DieAfter, e.Deaths = 0, 1 }, engine.ErrBroke, nil},
		"hangs":       {func(e *enginetest.Engine) { e.HangAfter = 2 }, engine.ErrBroke, nil},
		"garbage":     {func(e *enginetest.Engine) { e.Garbage = `{"choices":[` }, engine.ErrBroke, nil},
		"reports":     {func(e *enginetest.Engine) { e.Garbage = `{"error":{"message":"no"}}` }, engine.ErrBroke, nil},
		"breaks":      {func(e *enginetest.Engine) { e.Refuse = 500 }, engine.ErrBroke, nil},
		"refuses":     {func(e *enginetest.Engine) { e.Refuse = 400 }, engine.ErrRefused, engine.ErrDown},
		"too long":    {func(e *enginetest.Engine) { e.Context = 1 }, engine.ErrTooLong, engine.ErrDown},
		"overloaded":  {func(e *enginetest.Engine) { e.Refuse = 429 }, engine.ErrDown, engine.ErrBroke},
		"unreachable": {func(e *enginetest.Engine) { e.URL = "http://127.0.0.1:1" }, engine.ErrDown, engine.ErrBroke},
	} {
		t.Run(name, func(t *testing.T) {
			e := enginetest.New(t)
			c.set(e)
			_, _, _, err := read(t, client(e.URL), engine.Request{Turns: question, MaxTokens: 100})
			if !errors.Is(err, c.want) || c.not != nil && errors.Is(err, c.not) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// Whoever ends a stream hears why, and the engine stops.
func TestEndingAStreamFreesTheEngine(t *testing.T) {
	e := enginetest.New(t)
	e.Pace = 20 * time.Millisecond
	stopped := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	s, err := client(e.URL).Chat(ctx, engine.Request{Turns: question, MaxTokens: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	cancel(stopped)
	for err == nil {
		_, err = s.Next()
	}
	if !errors.Is(err, stopped) {
		t.Errorf("got %v", err)
	}
	for end := time.Now().Add(500 * time.Millisecond); e.Busy() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the engine goes on")
		}
	}
}

func TestAboutAndCount(t *testing.T) {
	e := enginetest.New(t)
	about, err := client(e.URL).About(t.Context())
	if err != nil || about != (engine.About{Context: 4096, Slots: 4}) {
		t.Errorf("about %+v, %v", about, err)
	}
	n, err := client(e.URL).Count(t.Context(), question)
	if err != nil || n != 5 {
		t.Errorf("count %d, %v", n, err)
	}
}
