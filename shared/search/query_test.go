package search_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"parley/shared/problem"
	"parley/shared/search"
)

// spell writes a query down, shorter than its struct: (word word) for a phrase, *
// for a prefix, ~ for what is loose.
func spell(q search.Query) string {
	var out []string
	for i, list := range [][]search.Clause{q.All, q.None} {
		for _, c := range list {
			var list []string
			for _, w := range c.Words {
				s := w.Typed
				if w.Prefix != "" {
					s += "*"
				}
				list = append(list, s)
			}
			s := strings.Join(list, " ")
			if len(list) > 1 {
				s = "(" + s + ")"
			}
			if c.Loose {
				s = "~" + s
			}
			if i == 1 {
				s = "-" + s
			}
			out = append(out, s)
		}
	}
	return strings.Join(out, " ")
}

func TestQueriesAreReadAsTheyAreTyped(t *testing.T) {
	for text, want := range map[string]string{
		"Hello World":                 "~hello ~world",
		`"hello world" again`:         "(hello world) ~again",
		"“hello world” «so»":          "(hello world) so",
		"pre* -not -\"that phrase\"":  "~pre* -not -(that phrase)",
		"a-b":                         "~a ~b",
		"- alone -":                   "~alone",
		`"open end`:                   "(open end)",
		"fmt.Println(max_tokens)":     "~(fmt println) ~(max tokens)",
		"* hello *":                   "~hello",
		"x*":                          "~x",
		"日本語 テスト":                     "~(日本 本語) ~(テス スト)",
		"猫":                           "~猫*",
		"Ünïcode +plus":               "~unicode ~plus",
		"' OR 1=1; DROP TABLE users":  "~or ~1 ~1 ~drop ~table ~users",
		"(a|b)+.*[^x]$":               "~a ~b ~x",
		"\u202eabc\u202c \u200fdef":   "~abc ~def",
		"tab\tand\u00a0space\u3000ok": "~tab ~and ~space ~ok",
	} {
		q, err := search.Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if d := cmp.Diff(want, spell(q)); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
}

func TestBadQueries(t *testing.T) {
	prefixes := ""
	for i := range 1000 {
		prefixes += fmt.Sprintf("p%d* ", i)
	}
	for text, want := range map[string]string{
		"":                           "no_words",
		" \t\u3000":                  "no_words",
		"!!! ... ???":                "no_words",
		"*":                          "no_words",
		`""`:                         "no_words",
		"🚀":                          "no_words",
		"-only -without":             "only_without",
		strings.Repeat("a ", 5000):   "query_too_long",
		prefixes:                     "query_too_long",
		"aa* bb* cc* dd* ee*":        "query_too_complex",
		strings.Repeat("ab ", 33):    "query_too_complex",
		strings.Repeat("東京", 40):     "query_too_complex",
		"\xff\xfe":                   "no_words",
		strings.Repeat("\u0301", 99): "no_words",
	} {
		_, err := search.Parse(text)
		var e *problem.Error
		if !errors.As(err, &e) || e.Kind != problem.Invalid || e.Code != want || e.Fields[0].Field != "q" {
			t.Errorf("%.40q: %v, not %s", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`a "b c" -d e*`, "日本語 -\"猫", "\xff\"\u202e*", "fmt.Println"} {
		f.Add(seed, "some text 日本語 b c fmt.Println")
	}
	f.Fuzz(func(t *testing.T, text, other string) {
		q, err := search.Parse(text)
		if err != nil {
			return
		}
		clauses := len(q.All) + len(q.None)
		if clauses == 0 || clauses > 32 || len(q.All) == 0 {
			t.Errorf("%d clauses", clauses)
		}
		s, _ := q.Cut(other)
		n := utf8.RuneCountInString(s.Text)
		last := 0
		for _, h := range s.Highlights {
			if h[0] < last || h[1] <= h[0] || h[1] > n {
				t.Errorf("highlights %v of %q", s.Highlights, s.Text)
			}
			last = h[1]
		}
	})
}
