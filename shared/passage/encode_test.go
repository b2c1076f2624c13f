package passage

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func encoded(t testing.TB, d Document) []byte {
	t.Helper()
	b, err := Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func packed(t testing.TB, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestADocumentComesBackAsItWas(t *testing.T) {
	for _, d := range []Document{
		{Version: 1},
		{Version: 1, Pages: 9, Truncated: true, Characters: 4, Passages: []Passage{{Page: 2, Line: 7, Text: "日本\n\x00"}}},
		Of(2, []Page{{Number: 1, Text: lines(500, "Line %d.\n")}, {Number: 2, Text: "End"}}),
	} {
		got, err := Decode(encoded(t, d))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(d, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestATextThatIsTooLongIsCut(t *testing.T) {
	long := Of(1, []Page{{Number: 1, Text: strings.Repeat("A sentence. ", MaxText/12+1000)}})
	many := Of(0, func() (pages []Page) {
		for i := range MaxPassages + 1 {
			pages = append(pages, Page{Number: i, Text: "x"})
		}
		return pages
	}())
	for _, d := range []Document{long, many} {
		if !d.Truncated || len(d.Passages) > MaxPassages {
			t.Errorf("truncated %v, %d passages", d.Truncated, len(d.Passages))
		}
		if _, err := Decode(encoded(t, d)); err != nil {
			t.Error(err)
		}
	}
	if many.Characters != MaxPassages || long.Characters < MaxText-2*most {
		t.Errorf("%d and %d characters kept", many.Characters, long.Characters)
	}
}

// Nothing is kept that could not be read again.
func TestWhatCanNotBeReadIsNotWritten(t *testing.T) {
	long := Passage{Line: 1, Text: strings.Repeat("x", MaxText/2+1)}
	for name, d := range map[string]Document{
		"too long":    {Characters: MaxText + 2, Passages: []Passage{long, long}},
		"too many":    {Characters: MaxPassages + 1, Passages: slices.Repeat([]Passage{{Line: 1, Text: "x"}}, MaxPassages+1)},
		"wrong count": {Characters: 2, Passages: []Passage{{Line: 1, Text: "x"}}},
		"no line":     {Characters: 1, Passages: []Passage{{Text: "x"}}},
		"no text":     {Passages: []Passage{{Line: 1}}},
		"not UTF-8":   {Characters: 1, Passages: []Passage{{Line: 1, Text: "\xff"}}},
		"pages":       {Pages: -1},
		"escapes":     {Characters: MaxText, Passages: []Passage{{Line: 1, Text: strings.Repeat("\x00", MaxText)}}},
	} {
		if _, err := Encode(d); err == nil {
			t.Errorf("%s: it was encoded", name)
		}
	}
}

// Objects that claim more than they have, or unpack to more than anybody wants,
// are refused before they cost much.
func TestHostileDocumentsAreRefused(t *testing.T) {
	one := `{"v":1,"characters":1,"passages":1}`
	for name, b := range map[string][]byte{
		"nothing":        nil,
		"not gzip":       []byte("PK\x03\x04 nothing of ours"),
		"cut":            encoded(t, Of(0, []Page{{Text: lines(500, "Line %d.\n")}}))[:200],
		"bomb":           packed(t, one+`{"l":1,"t":"`+strings.Repeat("a", 48<<20)),
		"white space":    packed(t, one+strings.Repeat(" ", 48<<20)),
		"too many":       packed(t, `{"v":1,"characters":1,"passages":100000000}`),
		"less than said": packed(t, one),
		"more than said": packed(t, one+`{"l":1,"t":"x"}{"l":2,"t":"y"}`),
		"no line":        packed(t, one+`{"l":0,"t":"x"}`),
		"wrong count":    packed(t, one+`{"l":1,"t":"xy"}`),
		"unknown":        packed(t, one+`{"l":1,"t":"x","q":1}`),
		"twice":          packed(t, one+`{"l":1,"l":1,"t":"x"}`),
		"not UTF-8":      packed(t, one+"{\"l\":1,\"t\":\"\xff\"}"),
		"deep":           packed(t, one+strings.Repeat("[", 10<<20)),
		"too much text":  packed(t, fmt.Sprintf(`{"v":1,"characters":%d,"passages":1}{"l":1,"t":"%s"}`, MaxText+1, strings.Repeat("x", MaxText+1))),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Decode(b)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
		if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 160 {
			t.Errorf("%s took %d MB", name, took)
		}
	}
	if _, err := Decode(packed(t, `{"v":2,"new":true}`)); !errors.Is(err, ErrLater) {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encoded(f, Of(3, []Page{{Number: 1, Text: "One.\nTwo."}})), false)
	f.Add([]byte(`{"v":1,"characters":1,"passages":1}{"l":1,"t":"x"}`), true)
	f.Add([]byte(`{"v":9}`), true)
	f.Fuzz(func(t *testing.T, b []byte, pack bool) {
		if pack {
			b = packed(t, string(b))
		}
		d, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Decode(encoded(t, d))
		if diff := cmp.Diff(d, again); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
}
