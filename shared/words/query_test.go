package words

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shown writes terms as a line: + before what is joined, * after a prefix, - before
// function words.
func shown(terms []Term) string {
	var b strings.Builder
	for _, t := range terms {
		switch {
		case t.Joined:
			b.WriteString("+")
		case t.Stop:
			b.WriteString("-")
		}
		b.WriteString(t.Forms[0])
		if t.Prefix {
			b.WriteString("*")
		}
		b.WriteString(" ")
	}
	return strings.TrimSpace(b.String())
}

func TestQuery(t *testing.T) {
	for text, want := range map[string]string{
		"東京都庁 京":                        "東京 +京都 +都庁 京*",
		"한국어를 API를":                     "한국 +국어 +어를 api 를*",
		"ﾌﾟｶﾞ":                          "プガ",
		"สวัสดี":                        "สวั +วัส +สดี",
		"fmt.Println max_tokens":        "fmt +println max +token",
		"what caused the war in Europe": "-what caus -the war -in europ",
		"wann war der Krieg":            "-wann -war -der krieg",
		"как настроить сервер":          "-как настро сервер",
		"किताब में क्या है":             "किताब -में -क्य -है",
		"c'est quoi l'été ?":            "-est -quoi ete",
		"?!":                            "",
	} {
		if got := shown(Query(text)); got != want {
			t.Errorf("%s: %s, not %s", text, got, want)
		}
	}
}

// found reports whether a text has a query as a phrase.
func found(text, query string) bool {
	tokens, terms := slices.Collect(Tokens(text)), Query(query)
	for from := range tokens {
		ok := true
		for _, term := range terms {
			at := from + term.At
			ok = ok && at < len(tokens) && (slices.Contains(term.Forms, tokens[at].Word) || term.Prefix && strings.HasPrefix(tokens[at].Word, term.Forms[0]))
		}
		if ok {
			return true
		}
	}
	return false
}

func TestScriptsWithoutSpaces(t *testing.T) {
	for _, c := range []struct {
		text, query string
		found       bool
	}{
		{"我们在东京都厅见面。", "东京", true}, {"我们在东京都厅见面。", "东京都厅", true}, {"我们在东京都厅见面。", "京东", false}, {"我们在东京都厅见面。", "面", true},
		{"我们在东京都厅见面。", "厅", true}, {"我们在东京都厅见面。", "我", true}, {"我们在东京都厅见面。", "北", false}, {"東京、京都", "東京都", false},
		{"한국어를 배우고 있습니다.", "한국어", true}, {"한국어를 배우고 있습니다.", "국어", true}, {"서버에서 API를 호출합니다", "API", true}, {"서버에서 호출", "서버", true},
		{"サーバーを再起動してください", "サーバー", true}, {"サーバーを再起動してください", "再起動", true}, {"ｻｰﾊﾞｰを再起動", "サーバー", true}, {"らーめん", "ー", true},
		{"ฉันชอบอ่านหนังสือ", "หนังสือ", true}, {"Go语言的fmt.Println函数", "Println", true}, {"Go语言的fmt.Println函数", "语言", true},
	} {
		if got := found(c.text, c.query); got != c.found {
			t.Errorf("%s in %s: %v", c.query, c.text, got)
		}
	}
}

func TestPlaces(t *testing.T) {
	for text, want := range map[string]string{
		"l'été, fmt.Println\n":               "été fmt Println",
		"cafe\u0301s 👩‍👩‍👧 naïve":            "cafe\u0301s naïve",
		"東京都 한국":                             "東京 京都 都 한국 국",
		"\xffab\xff cd":                      "ab cd",
		"__max_tokens__ 1_000 v1.2":          "max tokens 1_000 v1 2",
		"क\u094dषमा\u0902 «\u202fmot\u202f»": "क\u094dषमा\u0902 mot",
	} {
		var got []string
		for tok := range Tokens(text) {
			got = append(got, text[tok.Start:tok.End])
		}
		if d := cmp.Diff(want, strings.Join(got, " ")); d != "" {
			t.Errorf("%s: %s", fmt.Sprintf("%q", text), d)
		}
	}
}

func FuzzQuery(f *testing.F) {
	f.Add("한국어API l'été naı\u0308ve 東京都 a.b ﾞ")
	f.Fuzz(func(t *testing.T, text string) {
		terms := Query(text)
		if len(terms) > len(text) {
			t.Errorf("%d terms of %d bytes", len(terms), len(text))
		}
		for i, term := range terms {
			if len(term.Forms) == 0 || i == 0 && term.Joined {
				t.Errorf("%+v in %q", term, text)
			}
		}
		if len(terms) > 0 && !found(text, text) {
			t.Errorf("%q isn't in itself", text)
		}
	})
}
