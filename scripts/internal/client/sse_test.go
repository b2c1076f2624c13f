package client

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func decodeAll(r io.Reader) (frames []frame, err error) {
	d := newDecoder(r)
	for {
		f, err := d.next()
		if err != nil {
			return frames, err
		}
		frames = append(frames, f)
	}
}

func TestDecoder(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want []frame
	}{
		"one":               {"id: 1\nevent: delta\ndata: x\n\n", []frame{{"1", "delta", "x"}}},
		"no name":           {"data:x\n\n", []frame{{"", "message", "x"}}},
		"empty name":        {"event:\ndata:x\n\n", []frame{{"", "message", "x"}}},
		"lines":             {"data: a\ndata\ndata:  b\n\n", []frame{{"", "message", "a\n\n b"}}},
		"comments":          {": ping\n\n:\ndata: x\n\n", []frame{{"", "message", "x"}}},
		"CR, LF, CRLF":      {"data: a\r\rdata: b\r\n\r\ndata: c\n\n", []frame{{"", "message", "a"}, {"", "message", "b"}, {"", "message", "c"}}},
		"id stays":          {"id: 7\ndata: a\n\ndata: b\n\n", []frame{{"7", "message", "a"}, {"7", "message", "b"}}},
		"id with NUL":       {"id: 7\ndata: a\n\nid: \x008\ndata: b\n\n", []frame{{"7", "message", "a"}, {"7", "message", "b"}}},
		"no data":           {"event: x\nid: 3\n\ndata: a\n\n", []frame{{"3", "message", "a"}}},
		"cut off":           {"data: a\n\ndata: b\n", []frame{{"", "message", "a"}}},
		"byte order mark":   {"\ufeffdata: a\n\n", []frame{{"", "message", "a"}}},
		"unknown and retry": {"retry: 10\nwhat: ever\ndata: a\n\n", []frame{{"", "message", "a"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeAll(strings.NewReader(c.in))
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(frame{})); diff != "" || err != io.EOF {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

func TestDecoderDoesNotGrowWithoutEnd(t *testing.T) {
	for name, in := range map[string]string{
		"line":  "data: " + strings.Repeat("x", maxFrame),
		"event": strings.Repeat("data: "+strings.Repeat("x", 1000)+"\n", maxFrame/1000+1),
	} {
		if _, err := decodeAll(strings.NewReader(in)); !errors.Is(err, errFrameTooLong) {
			t.Errorf("%s: %v; want errFrameTooLong", name, err)
		}
	}
}

// FuzzDecoder: what is decoded doesn't depend on how the bytes arrive, and a
// frame that is written out again is read as the same frame.
func FuzzDecoder(f *testing.F) {
	f.Add("id: 1\nevent: delta\ndata: {\"text\":\"a\"}\n\n")
	f.Add(": ping\r\n\r\ndata: a\rdata: b\r\r")
	f.Add("\ufeffdata\n\nid: \x00\n:\n\n")
	f.Fuzz(func(t *testing.T, in string) {
		whole, err := decodeAll(strings.NewReader(in))
		single, err1 := decodeAll(iotest.OneByteReader(strings.NewReader(in)))
		if diff := cmp.Diff(whole, single, cmp.AllowUnexported(frame{})); diff != "" || err != err1 {
			t.Fatalf("byte by byte: %v, %v\n%s", err, err1, diff)
		}
		var out strings.Builder
		for _, w := range whole {
			out.WriteString("id: " + w.id + "\nevent: " + w.name + "\ndata: " + strings.ReplaceAll(w.data, "\n", "\ndata: ") + "\n\n")
		}
		again, _ := decodeAll(strings.NewReader(out.String()))
		if diff := cmp.Diff(whole, again, cmp.AllowUnexported(frame{})); diff != "" {
			t.Fatalf("written again:\n%s", diff)
		}
	})
}
