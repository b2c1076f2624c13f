package frame

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/shared/chat"
)

func TestFrameComesBack(t *testing.T) {
	for _, f := range []Frame{
		{Attempt: 1, Seq: 1},
		{Attempt: 2, Seq: 7, Start: 12, Text: "日本 \u2028\"\n", Tokens: 9},
		{Attempt: 3, Seq: 9, End: &End{Status: chat.Failed, Failure: &chat.EngineFailed, Usage: &chat.Usage{PromptTokens: 1}}},
	} {
		s, err := encode(f)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(s)
		if err != nil || cmp.Diff(f, got) != "" {
			t.Errorf("%v: %s", err, cmp.Diff(f, got))
		}
	}
}

func TestText(t *testing.T) {
	for name, c := range map[string]struct {
		frames []Frame
		want   string
		broken bool
	}{
		"in order":            {[]Frame{{Attempt: 1, Seq: 1}, {Attempt: 1, Seq: 2, Text: "ab"}, {Attempt: 1, Seq: 3, Start: 2, Text: "cd"}}, "abcd", false},
		"twice":               {[]Frame{{Attempt: 1, Seq: 2, Text: "ab"}, {Attempt: 1, Seq: 2, Text: "ab"}}, "ab", false},
		"repeated from start": {[]Frame{{Attempt: 1, Seq: 2, Text: "ab"}, {Attempt: 1, Seq: 4, Text: "abcd"}}, "abcd", false},
		"goes on":             {[]Frame{{Attempt: 1, Seq: 2, Text: "ab"}, {Attempt: 2, Seq: 1}, {Attempt: 2, Seq: 2, Start: 2, Text: "cd"}}, "abcd", false},
		"starts over":         {[]Frame{{Attempt: 1, Seq: 2, Text: "ab"}, {Attempt: 2, Seq: 1}, {Attempt: 2, Seq: 2, Text: "x"}}, "x", false},
		"stale":               {[]Frame{{Attempt: 2, Seq: 2, Text: "ab"}, {Attempt: 1, Seq: 9, Start: 2, Text: "cd"}}, "ab", false},
		"gap":                 {[]Frame{{Attempt: 1, Seq: 2, Text: "ab"}, {Attempt: 1, Seq: 4, Start: 4, Text: "ef"}}, "ab", true},
		"over in an attempt":  {[]Frame{{Attempt: 1, Seq: 2, Text: "abc"}, {Attempt: 1, Seq: 3, Over: true, Text: "a"}, {Attempt: 1, Seq: 4, Start: 1, Text: "x"}}, "ax", false},
		"gap mended":          {[]Frame{{Attempt: 1, Seq: 4, Start: 4, Text: "ef"}, {Attempt: 1, Seq: 5, Text: "abcdef"}}, "abcdef", false},
	} {
		var text Text
		for _, f := range c.frames {
			text.Add(f)
		}
		if text.String() != c.want || text.Broken != c.broken {
			t.Errorf("%s: %q (broken %v), want %q", name, text.String(), text.Broken, c.want)
		}
	}
}

// Each frame with calls has all of them, so the last one counts; an answer that
// starts over has none of those before.
func TestTextGathersCalls(t *testing.T) {
	calls := func(arguments ...string) (all []chat.Call) {
		for _, a := range arguments {
			all = append(all, chat.Call{Type: "function", Function: chat.Called{Name: "f", Arguments: a}})
		}
		return all
	}
	for name, c := range map[string]struct {
		frames []Frame
		text   string
		want   []chat.Call
	}{
		"grow":          {[]Frame{{Attempt: 1, Seq: 2, Calls: calls("{")}, {Attempt: 1, Seq: 3, Calls: calls("{}", "[")}}, "", calls("{}", "[")},
		"one is missed": {[]Frame{{Attempt: 1, Seq: 2, Calls: calls("{")}, {Attempt: 1, Seq: 9, Calls: calls("{}", "[")}}, "", calls("{}", "[")},
		"after text":    {[]Frame{{Attempt: 1, Seq: 2, Text: "ab"}, {Attempt: 1, Seq: 3, Start: 2, Calls: calls("{")}}, "ab", calls("{")},
		"over":          {[]Frame{{Attempt: 1, Seq: 2, Text: "ab", Calls: calls("{")}, {Attempt: 1, Seq: 3, Over: true, Text: "x"}}, "x", nil},
		"lost, calls":   {[]Frame{{Attempt: 1, Seq: 2, Text: "ab"}, {Attempt: 2, Seq: 2, Calls: calls("{")}, {Attempt: 2, Seq: 3, Text: "x"}}, "x", calls("{")},
		"lost, text":    {[]Frame{{Attempt: 1, Seq: 2, Calls: calls("{")}, {Attempt: 2, Seq: 2, Text: "x"}}, "x", nil},
	} {
		var text Text
		for _, f := range c.frames {
			text.Add(f)
		}
		if d := cmp.Diff(c.want, text.Calls); d != "" || text.String() != c.text || text.Broken {
			t.Errorf("%s: %q, broken %v, %s", name, text.String(), text.Broken, d)
		}
	}
}

func TestPositionProvesText(t *testing.T) {
	text := "Grüße, 日本!"
	for i := range text {
		p := Begin().Advance(text[:i])
		if !p.Within(text) || !p.Within(text[:i]) {
			t.Errorf("%d is not within its own text", i)
		}
		if i > 0 && p.Within("x"+text) {
			t.Errorf("%d is within another text", i)
		}
		again, err := ParsePosition(p.String())
		if err != nil || again != p {
			t.Errorf("%s: %+v, %v", p, again, err)
		}
	}
	if Begin().Advance(text[:3]).Within(text) {
		t.Error("a position inside a character counts")
	}
}

func TestAbsurdEventIDs(t *testing.T) {
	for _, s := range []string{"0", "-", "1-2", "1-2-3-4", "-1-2-3", "1-99999999999-3", "1-2-zzzzzzzzzzzzzzzzzz", "01-2-3",
		"1-2-3-e-e", "1-67108865-3", " 1-2-3", "1-2-A", "1-2-3\n", strings.Repeat("9", 1<<16), "\x00", "1–2–3"} {
		if _, err := ParsePosition(s); !errors.Is(err, ErrBadID) {
			t.Errorf("%.40q: %v", s, err)
		}
	}
}

// FuzzEventID: what is taken is spelled in one way only, and asking whether it is
// within a text never fails.
func FuzzEventID(f *testing.F) {
	f.Add("", "text")
	f.Add(Begin().Advance("te").String(), "text")
	f.Add("1-3-abc-e", "日本")
	f.Add("9-67108864-3w5e11264sgsf", "")
	f.Fuzz(func(t *testing.T, s, text string) {
		p, err := ParsePosition(s)
		if err != nil {
			if !errors.Is(err, ErrBadID) {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		if s != "" && p.String() != s {
			t.Fatalf("%q is read as %q", s, p)
		}
		if p.Within(text) && p.Offset > len(text) {
			t.Fatal("within a shorter text")
		}
	})
}

// FuzzFrame: nothing that stands in a stream makes a reader fail otherwise than
// with an error.
func FuzzFrame(f *testing.F) {
	f.Add(`{"a":1,"q":2,"s":3,"t":"x"}`)
	f.Add(`{"a":1,"q":1,"e":{"status":"done"}}`)
	f.Add(`{"a":-1}`)
	f.Fuzz(func(t *testing.T, s string) {
		fr, err := Decode(s)
		if err != nil {
			return
		}
		var text Text
		text.Add(Frame{Attempt: 1, Seq: 1, Text: "ab"})
		text.Add(fr)
		if _, err := encode(fr); err != nil {
			t.Fatal(err)
		}
	})
}
