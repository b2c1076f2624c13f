package words

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
	"github.com/clipperhouse/uax29/v2/words"
)

// byLibrary returns the words of a text as the library of UAX #29 bounds them, but for
// scripts without spaces and the narrow space.
func byLibrary(text string) (all []Token) {
	var m Memory
	w := walk{Memory: &m, text: text, before: unknown, yield: whole(func(t Token) bool { all = append(all, t); return true })}
	for at := 0; at < len(text); {
		end := at
		for end < len(text) {
			r, n := utf8.DecodeRuneInString(text[end:])
			if unspaced(r) || r == 0x202F {
				break
			}
			end += n
		}
		for s := words.FromString(text[at:end]); s.Next(); {
			w.segment(at+s.Start(), at+s.End())
		}
		if at = end; at == len(text) {
			break
		}
		if end = w.dense(at); end == at {
			w.lone()
			end += len("\u202F")
		}
		for g := graphemes.FromString(text[at:end]); g.Next(); {
			if one := unaccented(plain(g.Value())); one != "" {
				w.pairWith(pending{pair: one, start: uint32(at + g.Start()), end: uint32(at + g.End())})
			}
		}
		at = end
	}
	w.end()
	w.flush()
	return all
}

// What is known here of bounds is what the library says.
func FuzzSegments(f *testing.F) {
	for _, s := range []string{
		"can't a.b.c 1,2.3 1.a a:b 1:2 a;b x_1 _ __a a__ 'a' a' 'b", "naïve e\u0301t\u0301é ’a’ a’b 1’2 a．b 1，2 1；2 a：b", "a\u200db a\u00adb 👩‍👩‍👧 🇩🇪🇫🇷",
		"привет.мир й\u0306 1.ё", "किताबें.क्या १२ क१ क\u200dष", "ᾳ·ς Ωµ ×2÷3", "한a 漢1カ_ｶﾞ が゛か\u3099", "עברית צה\"ל 'א", "\r\n \t\u0085a\u2028b\u2029c", "a\xffb \xe2\x80",
		"مَرْحَبًا ٣٫٥ ,1", "«\u202fmot\u202f» 10\u202f000",
	} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, text := range []string{a + b, strings.Join(strings.Split(a, ""), b)} {
			if len(text) > 1<<12 || !utf8.ValidString(text) { // of broken bytes the library makes what comes
				continue
			}
			if got, want := slices.Collect(Tokens(text)), byLibrary(text); !slices.Equal(got, want) {
				t.Fatalf("%q:\n%+v\nnot\n%+v", text, got, want)
			}
		}
	})
}

// Every character that the package knows the class of, beside ones of every class.
func TestClasses(t *testing.T) {
	beside := []string{"", "a", "1", "_", ".", "'", ":", ",", " ", "\u0301", "\u200d", "я", "क", "א", "カ", "漢", "👍"}
	for r := range rune(0x10000) {
		if c := classOf(r); c == hard || c == dense && r%199 != 0 {
			continue
		}
		for i, before := range beside {
			after := beside[(i+int(r))%len(beside)] // in turn
			text := before + string(r) + after + "b" + string(r) + "1" + before
			if got, want := slices.Collect(Tokens(text)), byLibrary(text); !slices.Equal(got, want) {
				t.Fatalf("%q, %U:\n%+v\nnot\n%+v", text, r, got, want)
			}
		}
	}
}
