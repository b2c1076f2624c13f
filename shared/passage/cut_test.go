package passage

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
	"github.com/google/go-cmp/cmp"
)

func lines(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func TestCutEndsWhereTheTextDoes(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		end  string // of every passage but the last, without white space
	}{
		"paragraphs": {lines(40, "Number %d opens a paragraph. It has\nmore than one sentence, and a line\nthat ends early.\n\n"), "early."},
		"sentences":  {lines(90, "This is sentence number %d of a long paragraph without any end, e.g. of a novel. "), "novel."},
		"Chinese":    {lines(200, "第%d句话是用中文写的，没有空格也没有换行。"), "。"},
		"lines":      {lines(200, "func line%d() { return x } // code\n"), "code"},
		"words":      {lines(900, "word%d with no end ever"), "d"},
	} {
		passages := Cut([]Page{{Text: c.text}})
		if len(passages) < 3 {
			t.Errorf("%s: %d passages", name, len(passages))
		}
		for i, p := range passages[:len(passages)-1] {
			n := utf8.RuneCountInString(strings.TrimSpace(p.Text))
			if n < least || n > most || name != "words" && !strings.HasSuffix(strings.TrimSpace(p.Text), c.end) {
				t.Errorf("%s: passage %d of %d characters ends with %q", name, i, n, p.Text[max(0, len(p.Text)-20):])
			}
			if next := passages[i+1].Text; name == "words" && !unicode.IsSpace(rune(p.Text[len(p.Text)-1])) {
				t.Errorf("%s: cut within a word: %q %q", name, p.Text[len(p.Text)-8:], next[:8])
			}
		}
	}
}

func TestCutKeepsPageAndLine(t *testing.T) {
	pages := []Page{{Number: 3, Text: "\n\n  First.\nSecond."}, {Number: 4, Text: " \n "}, {Number: 5, Text: lines(100, "Line %03d has some words.\n")}}
	passages := Cut(pages)
	if d := cmp.Diff(Passage{Page: 3, Line: 3, Text: "First.\nSecond."}, passages[0]); d != "" {
		t.Error(d)
	}
	for _, p := range passages[1:] {
		if want := fmt.Sprintf("Line %03d ", p.Line-1); p.Page != 5 || !strings.HasPrefix(p.Text, want) {
			t.Errorf("page %d, line %d: %.20q", p.Page, p.Line, p.Text)
		}
	}
	if n := len(passages); n < 3 || n > 5 {
		t.Errorf("%d passages of 2,500 characters", n)
	}
}

// What a reader sees as one character stays whole: family emoji, Hindi, marks.
func TestCutSplitsNoCharacter(t *testing.T) {
	for _, unit := range []string{"👩‍👩‍👧‍👦", "क्षि", "e\u0301\u0323", "🇩🇪", "한", "x"} {
		for shift := range 4 {
			whole := strings.Repeat("y", shift) + strings.Repeat(unit, 3000)
			count := 0
			for _, p := range Cut([]Page{{Text: whole}}) {
				for g := graphemes.FromString(p.Text); g.Next(); count++ {
				}
			}
			if want := 3000 + shift; count != want {
				t.Errorf("%s after %d: %d characters became %d", unit, shift, want, count)
			}
		}
	}
}

func FuzzCut(f *testing.F) {
	f.Add("One. Two.\n\nThree", 7)
	f.Add(strings.Repeat(" ", 4000)+"x"+strings.Repeat("\n", 4000)+"y", 1)
	f.Add("a"+strings.Repeat("\u0301", 5000), 1)
	f.Add("\xff\xfe"+strings.Repeat("日本語。", 600), 3)
	f.Fuzz(func(t *testing.T, text string, times int) {
		whole := strings.Repeat(text, max(1, min(times, 30_000/(len(text)+1))))
		whole = whole[:min(len(whole), 30_000)]
		var joined strings.Builder
		for i, p := range Cut([]Page{{Number: 1, Text: whole}}) {
			if p.Text == "" || utf8.RuneCountInString(p.Text) > 3*most || !utf8.ValidString(p.Text) {
				t.Errorf("passage %d has %d characters", i, utf8.RuneCountInString(p.Text))
			}
			if want := 1 + strings.Count(strings.ToValidUTF8(whole, "\uFFFD")[:offsetOf(whole, joined.Len())], "\n"); p.Line != want {
				t.Errorf("passage %d is said to begin in line %d, not %d", i, p.Line, want)
			}
			joined.WriteString(p.Text)
		}
		if want := strings.TrimSpace(strings.ToValidUTF8(whole, "\uFFFD")); joined.String() != want {
			t.Errorf("%q came back as %q", want, joined.String())
		}
	})
}

// offsetOf is where the text without white space around it goes on after n bytes.
func offsetOf(whole string, n int) int {
	whole = strings.ToValidUTF8(whole, "\uFFFD")
	return len(whole) - len(strings.TrimLeftFunc(whole, unicode.IsSpace)) + n
}
