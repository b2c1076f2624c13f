package words

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// wordsOf returns the words of a text alone.
func wordsOf(text string) (all []string) {
	for t := range Tokens(text) {
		all = append(all, t.Word)
	}
	return all
}

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"The cars' owners were driving": "the car owner were drive",
		"don’t":                         "don't",
		"Müller, naïve ÉCOLE straße":    "mull naiv ecol strass",
		"\u212Bngström ﬁn":              "angstrom fin",
		"v1.2.3 3,141.59 A4 2024-05-01": "v1 2 3 3,141.59 a4 2024 05 01",
		"fmt.Println(max_tokens) a.go":  "fmt println max token a go",
		"__init__ _ 1_":                 "init 1",
		"l’homme, dell'arte, o'clock":   "homm art o'clock",
		"ｆｕｌｌ ＷＩＤＴＨ":                    "full width",
		"東京都":                           "東京 京都 都",
		"猫 と犬。カタカナ":                     "猫 と犬 犬 カタ タカ カナ ナ",
		"らーめん":                          "らー ーめ めん ん",
		"日本語 text 中":                    "日本 本語 語 text 中",
		"สวัสดี":                        "สวั วัส สดี ดี",
		"한국어를 API를 3개월":                 "한국 국어 어를 를 api 를 3 개월 월",
		"Привет МИР":                    "привет мир",
		"ёлка й":                        "елк й",
		"किताबें पढ़ना":                 "किताब पढ",
		"soft\u00ADware 10\u202F000":    "softwar 10 000",
		"🚀 -- … ":                       "",
		"":                              "",
	} {
		if d := cmp.Diff(strings.Fields(want), wordsOf(text), cmp.Comparer(func(a, b []string) bool { return slices.Equal(a, b) })); d != "" {
			t.Errorf("%s: %s", text, d)
		}
	}
}

func TestNobodyHasToReadOn(t *testing.T) {
	for _, text := range []string{"one two three", "東京都庁", "a.b.c.d", "one\ntwo\nthree"} {
		for w := range Tokens(text) {
			if w.Word == "" {
				t.Error("an empty word")
			}
			break
		}
	}
}

// A token stands where it says: who searches for what stands there finds it.
func FuzzTokens(f *testing.F) {
	f.Add("The quick brown fox's 日本語 \u0301\u0301 a_b.c สวัสดี")
	f.Add("__ ._. '' 1_ _1 \xff a\xffb 한국어API l'été naı\u0308ve 👩‍👩‍👧‍👦 किताबें")
	f.Add(strings.Repeat("x", 200) + " " + strings.Repeat("ﷺ", 40))
	f.Fuzz(func(t *testing.T, text string) {
		var m Memory
		plain := slices.Collect(Tokens(text))
		if first, second := slices.Collect(m.Tokens(text)), slices.Collect(m.Tokens(text)); !slices.Equal(first, plain) || !slices.Equal(second, plain) {
			t.Errorf("%+v, remembered %+v and %+v", plain, first, second)
		}
		at := 0
		for _, w := range plain {
			if w.Start < at || w.End <= w.Start || w.End > len(text) {
				t.Fatalf("%+v after %d in %q", w, at, text)
			}
			at = w.Start
			if w.Word == "" || len(w.Word) > 20*longest || !utf8.ValidString(w.Word) {
				t.Errorf("%+v in %q", w, text)
			}
			if r, _ := utf8.DecodeRuneInString(w.Word); w.Written != w.Word && (unspaced(r) || w.Written != Fold(text[w.Start:w.End])) || !utf8.ValidString(w.Written) {
				t.Errorf("%+v isn't written so in %q", w, text)
			}
			if forms := Forms(text[w.Start:w.End]); !slices.Contains(forms, w.Word) {
				t.Errorf("%+v: %q has the forms %q", w, text[w.Start:w.End], forms)
			}
		}
	})
}

func FuzzForms(f *testing.F) {
	for _, s := range []string{"", "_", "'", "\xff", "ações", "membacakannya", "किताबें", "한국어를", "ёлками", strings.Repeat("ﷺ", 40)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, word string) {
		forms := Forms(word)
		if len(forms) > mostForms {
			t.Errorf("%d forms of %q", len(forms), word)
		}
		for i, form := range forms {
			if form == "" || len(form) > 20*longest || !utf8.ValidString(form) || slices.Contains(forms[:i], form) {
				t.Errorf("%q has the forms %q", word, forms)
			}
		}
	})
}
