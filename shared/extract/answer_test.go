package extract

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"parley/shared/extract/child"
	"parley/shared/file"
	"parley/shared/passage"
)

// said returns what a child that answers so writes.
func said(t testing.TB, contentType string, a child.Answer) []byte {
	t.Helper()
	first, err := json.Marshal(child.Type{ContentType: contentType})
	if err != nil {
		t.Fatal(err)
	}
	second, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return append(first, second...)
}

func honest() child.Answer {
	return child.Answer{Kind: file.Text, Pages: 2, Passages: []passage.Passage{{Page: 2, Line: 1, Text: "text"}}}
}

func TestAnswersThatNoHonestChildGives(t *testing.T) {
	if _, a, err := decode(said(t, "text/plain", honest())); err != nil || len(a.Passages) != 1 {
		t.Fatalf("%v, %+v", err, a)
	}
	for name, lie := range map[string]func(*child.Answer){
		"kind":             func(a *child.Answer) { a.Kind = "program" },
		"note":             func(a *child.Answer) { a.Note = "<script>" },
		"pages":            func(a *child.Answer) { a.Pages = -1 },
		"width":            func(a *child.Answer) { a.Width = 1 << 40 },
		"page":             func(a *child.Answer) { a.Passages[0].Page = 3 },
		"line":             func(a *child.Answer) { a.Passages[0].Line = 0 },
		"nothing":          func(a *child.Answer) { a.Passages[0].Text = "" },
		"no text":          func(a *child.Answer) { a.Passages = nil },
		"text of an image": func(a *child.Answer) { a.Kind = file.Image },
		"type of picture":  func(a *child.Answer) { a.PictureType = "text/html\r\nX: y" },
		"too much":         func(a *child.Answer) { a.Passages[0].Text = strings.Repeat("x", passage.MaxText+1) },
		"too many":         func(a *child.Answer) { a.Passages = make([]passage.Passage, passage.MaxPassages+1) },
	} {
		a := honest()
		lie(&a)
		if _, _, err := decode(said(t, "text/plain", a)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	for name, output := range map[string]string{
		"nothing":        "",
		"no answer":      `{"content_type":"text/plain"}`,
		"a bad type":     `{"content_type":"text/plain\nX: y"}` + `{"kind":"other"}`,
		"another member": `{"content_type":"text/plain"}` + `{"kind":"other","x":1}`,
		"twice":          `{"content_type":"text/plain"}` + `{"kind":"other","kind":"other"}`,
		"more":           `{"content_type":"text/plain"}` + `{"kind":"other"}{}`,
	} {
		if _, _, err := decode([]byte(output)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// The type is known as soon as the child has said it, whatever becomes of it then.
func TestATypeOutlivesItsChild(t *testing.T) {
	cut := said(t, "application/pdf", honest())
	res := end{output: cut[:len(cut)-5], exit: 2, words: "fatal error: runtime: out of memory"}.result()
	noted(t, res, "application/pdf", "too_complex")
}

func FuzzAnswer(f *testing.F) {
	f.Add(said(f, "text/plain", honest()))
	f.Add([]byte(`{"content_type":"image/png"}{"kind":"image","picture":"AAAA","picture_type":"image/png"}`))
	f.Fuzz(func(t *testing.T, output []byte) {
		res := end{output: output}.result()
		if !mediaType.MatchString(res.ContentType) || (res.Kind == file.Text) != (res.Document != nil) {
			t.Errorf("%+v", res)
		}
		if res.Document != nil {
			if _, err := passage.Encode(*res.Document); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestAMissingWallIsTold(t *testing.T) {
	output := said(t, "text/plain", honest())
	if res := (end{output: output, words: child.NotLocked + " seccomp: function not implemented\n"}).result(); !res.Unlocked || res.Note != nil {
		t.Errorf("%+v", res)
	}
	if res := read(t, Runner{}, "notes.txt", "one"); res.Unlocked {
		t.Errorf("%+v", res)
	}
}
