package search_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"parley/shared/search"
)

// marked puts what is highlighted in brackets.
func marked(s search.Snippet) string {
	runes := []rune(s.Text)
	var b strings.Builder
	at := 0
	for _, h := range s.Highlights {
		b.WriteString(string(runes[at:h[0]]) + "[" + string(runes[h[0]:h[1]]) + "]")
		at = h[1]
	}
	return b.String() + string(runes[at:])
}

func TestSnippetsShowWhatWasFound(t *testing.T) {
	far := strings.Repeat("filler ", 100)
	for _, c := range []struct{ query, text, want string }{
		{"bread", "Baking BREADS is fun", "Baking [BREADS] is fun"},
		{"bread fun", "Baking bread\n\n is  fun", "Baking [bread] is [fun]"},
		{`"is fun"`, "It is bread. Bread is fun, is it", "It is bread. Bread [is fun], is it"},
		{"resume", "My re\u0301sume\u0301 is here", "My [re\u0301sume\u0301] is here"},
		{"family", "👩‍👩‍👧‍👦👩‍👩‍👧‍👦 family 🚀", "👩‍👩‍👧‍👦👩‍👩‍👧‍👦 [family] 🚀"},
		{"東京", "昨日は東京都へ行きました", "昨日は[東京]都へ行きました"},
		{"книга", "Эти книги мои", "Эти [книги] мои"},
		{"needle", far + "the needle is here " + far, "…" + strings.TrimSpace(strings.Repeat("filler ", 7)) + " the [needle] is here " + strings.TrimSpace(strings.Repeat("filler ", 24)) + "…"},
		{"nothing", "No such word", "No such word"},
		{"print*", "Use Println to print", "Use [Println] to [print]"},
		{"runni*", "He runs; running is fun", "He runs; [running] is fun"},
		{"memb*", "Kami membaca buku bacaan", "Kami [membaca] buku bacaan"},
		{"fmt.Prin*", "It is fmt.Println, not fmt.Sprint", "It is [fmt.Println], not fmt.Sprint"},
	} {
		q, err := search.Parse(c.query)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := q.Cut(c.text)
		if d := cmp.Diff(c.want, marked(got)); d != "" {
			t.Errorf("%s: %s", c.query, d)
		}
		if ok != strings.Contains(c.want, "[") {
			t.Errorf("%s: found %v", c.query, ok)
		}
	}
}

// Of several places the one that has most of the words is shown.
func TestTheBestPlaceIsShown(t *testing.T) {
	q, err := search.Parse("alpha beta gamma")
	if err != nil {
		t.Fatal(err)
	}
	text := "alpha comes first. " + strings.Repeat("filler ", 100) + "Here alpha, beta and gamma stand."
	if got, _ := q.Cut(text); !strings.HasSuffix(marked(got), "Here [alpha], [beta] and [gamma] stand.") {
		t.Error(marked(got))
	}
}

func TestSnippetsAreShort(t *testing.T) {
	q, err := search.Parse("x yy")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{strings.Repeat("x", 100_000), strings.Repeat("x ", 100_000), strings.Repeat("\n", 9999) + "yy", strings.Repeat("e\u0301", 9999) + " yy", "\xff\xfe yy"} {
		got, _ := q.Cut(text)
		if n := utf8.RuneCountInString(got.Text); n > 310 {
			t.Errorf("%d characters of %.20q", n, text)
		}
		if !utf8.ValidString(got.Text) {
			t.Errorf("%q is no text", got.Text)
		}
	}
}
