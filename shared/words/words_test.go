package words

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestOf(t *testing.T) {
	for text, want := range map[string]string{
		"The cars' owners were driving": "the car owner were drive",
		"don’t":                         "don't",
		"Müller, naïve ÉCOLE straße":    "muller naiv ecol strass",
		"Müller \u212Bngström ﬁn":       "muller angstrom fin",
		"v1.2.3 3,141.59 A4 2024-05-01": "v1 2 3 3,141.59 a4 2024 05 01",
		"fmt.Println(max_tokens) a.go":  "fmt println max token a go",
		"ｆｕｌｌ ＷＩＤＴＨ":                    "full width",
		"東京都":                           "東京 京都",
		"猫 と犬。カタカナ":                     "猫 と犬 カタ タカ カナ",
		"日本語 text 中":                    "日本 本語 text 中",
		"สวัสดี":                        "สวั วัส สดี",
		"한국어 문서":                        "한국어 문서",
		"Привет МИР":                    "привет мир",
		"ёлка":                          "елка",
		"🚀 -- … ":                       "",
		"":                              "",
	} {
		if d := cmp.Diff(strings.Fields(want), slices.Collect(Of(text)), cmp.Comparer(func(a, b []string) bool { return slices.Equal(a, b) })); d != "" {
			t.Errorf("%s: %s", text, d)
		}
	}
}

// What users type finds what documents have.
func TestTheSameWordIsTheSame(t *testing.T) {
	for _, same := range [][2]string{
		{"cancellation policies", "Cancellation Policy"}, {"Zurich", "ZÜRICH"}, {"resume", "résumé"}, {"ガ", "カ\u3099"},
		{"users", "user's"}, {"Company’s", "company's"}, {"İstanbul", "istanbul"},
	} {
		a, b := slices.Collect(Of(same[0])), slices.Collect(Of(same[1]))
		if !slices.Equal(a, b) {
			t.Errorf("%q and %q", a, b)
		}
	}
}

func TestNobodyHasToReadOn(t *testing.T) {
	for _, text := range []string{"one two three", "東京都庁", "a.b.c.d"} {
		for w := range Of(text) {
			if w == "" {
				t.Error("an empty word")
			}
			break
		}
	}
}

func FuzzOf(f *testing.F) {
	f.Add("The quick brown fox's 日本語 \u0301\u0301 a_b.c สวัสดี")
	f.Add("__ ._. '' 1_ _1 \xff")
	f.Fuzz(func(t *testing.T, text string) {
		var m Memory
		plain := slices.Collect(Of(text))
		if first, second := slices.Collect(m.Of(text)), slices.Collect(m.Of(text)); !slices.Equal(first, plain) || !slices.Equal(second, plain) {
			t.Errorf("%q, remembered %q and %q", plain, first, second)
		}
		for _, w := range plain {
			if w == "" || len(w) > 20*longest {
				t.Errorf("a word of %d bytes", len(w))
			}
			if !utf8.ValidString(w) && utf8.ValidString(text) {
				t.Errorf("%q is no text", w)
			}
		}
	})
}
