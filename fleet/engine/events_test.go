package engine

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

func all(r io.Reader) (got []string, err error) {
	e := newEvents(r)
	for {
		data, err := e.next()
		if err != nil {
			return got, err
		}
		got = append(got, data)
	}
}

func TestEvents(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"one":              {"data: a\n\n", []string{"a"}},
		"crlf":             {"data: a\r\n\r\ndata:b\r\n\r\n", []string{"a", "b"}},
		"cr":               {"data: a\r\rdata: b\r\r", []string{"a", "b"}},
		"two lines":        {"data: a\ndata: b\n\n", []string{"a\nb"}},
		"comments, names":  {": ping\nevent: x\nid: 1\ndata: a\n\n:\n\n", []string{"a"}},
		"cut off":          {"data: a\n\ndata: b\n", []string{"a"}},
		"cut in a line":    {"data: a\n\ndata: b", []string{"a"}},
		"empty data":       {"data:\n\n", []string{""}},
		"split characters": {"data: 日本\n\n", []string{"日本"}},
	} {
		for how, r := range map[string]io.Reader{"whole": strings.NewReader(c.in), "bytewise": iotest.OneByteReader(strings.NewReader(c.in))} {
			got, err := all(r)
			if !errors.Is(err, io.EOF) || !slices.Equal(got, c.want) {
				t.Errorf("%s, %s: %q, %v", name, how, got, err)
			}
		}
	}
}

func TestChunkIsAlwaysCleanText(t *testing.T) {
	for in, want := range map[string]string{
		`{"choices":[{"delta":{"content":"a"}}]}`:                     "a",
		`{"choices":[{"delta":{"content":null,"role":"assistant"}}]}`: "",
		`{"choices":[]}`: "",
		"{\"choices\":[{\"delta\":{\"content\":\"x\xe6\x97\"}}]}":    "x\uFFFD",
		`{"choices":[{"delta":{"content":"\ud83d"}}]}`:               "\uFFFD",
		`{"choices":[{"delta":{"content":"a\u0000b"}}]}`:             "ab",
		`{"choices":[{"delta":{"content":"a"}}],"new":{"field":[]}}`: "a",
	} {
		got, err := decodeChunk(in)
		if text := clean(got.Text); err != nil || text != want {
			t.Errorf("%q: %q, %v; want %q", in, text, err, want)
		}
	}
}

// Characters whose bytes an engine sends in two events arrive whole, wherever they
// are cut; bytes that are no characters become one replacement each run.
func TestCharactersSplitOverEvents(t *testing.T) {
	join := func(parts ...string) string {
		var m mender
		text := ""
		for _, p := range parts {
			c, err := decodeChunk(`{"choices":[{"delta":{"content":"` + p + `"}}]}`)
			if err != nil {
				t.Fatal(err)
			}
			piece := m.mend(c.Text)
			if !utf8.ValidString(piece) {
				t.Fatalf("%q is not valid", piece)
			}
			text += piece
		}
		return text + m.end()
	}
	const whole = "a日本🍎é👩‍🚀z"
	for i := range len(whole) + 1 {
		for j := i; j <= len(whole); j++ {
			if got := join(whole[:i], whole[i:j], whole[j:]); got != whole {
				t.Fatalf("cut at %d and %d: %q", i, j, got)
			}
		}
	}
	for in, want := range map[string]string{"\xf0\x9f": "\uFFFD", "\xf0\x9fx": "\uFFFDx", "\xffx\xfe": "\uFFFDx\uFFFD"} {
		for i := range len(in) + 1 {
			if got := join(in[:i], in[i:]); got != want {
				t.Errorf("%q cut at %d: %q, want %q", in, i, got, want)
			}
		}
	}
}

// FuzzSSE feeds an engine's stream in pieces of any size: what comes out is the
// same, valid and free of NUL.
func FuzzSSE(f *testing.F) {
	f.Add("data: {\"choices\":[{\"delta\":{\"content\":\"日本\"}}]}\n\ndata: [DONE]\n\n")
	f.Add("data: {\"choices\":[{\"delta\":{\"content\":\"\xe6\x97\"}}]}\r\n\r\n")
	f.Add("\r\r:\n\ndata\ndata:\n\n")
	f.Add("data: {\"error\":{}}\n\n")
	f.Fuzz(func(t *testing.T, in string) {
		whole, err1 := all(strings.NewReader(in))
		pieces, err2 := all(iotest.OneByteReader(strings.NewReader(in)))
		if !slices.Equal(whole, pieces) || !errors.Is(err1, err2) && err1.Error() != err2.Error() {
			t.Fatalf("%q (%v) in one, %q (%v) in pieces", whole, err1, pieces, err2)
		}
		var m mender
		for _, data := range whole {
			c, err := decodeChunk(data)
			if err != nil {
				if !errors.Is(err, ErrDown) {
					t.Fatalf("%q: %v is no failure of the engine", data, err)
				}
				continue
			}
			text := m.mend(c.Text)
			if !utf8.ValidString(text) || !utf8.ValidString(c.Finish) || strings.Contains(text, "\x00") {
				t.Fatalf("%q: bad text %q", data, text)
			}
		}
	})
}
