package words

import (
	"slices"
	"strings"
	"testing"
)

// agree checks that a Lexicon has of a text what Tokens has, and finds each word by its
// beginning and by how it is written.
func agree(t *testing.T, x *Lexicon, text string) {
	t.Helper()
	tokens := slices.Collect(Tokens(text))
	numbers := x.Read(text)
	if len(numbers) != len(tokens) {
		t.Fatalf("%q: %d numbers for %d tokens", text, len(numbers), len(tokens))
	}
	for i, number := range numbers {
		want := Form{tokens[i].Word, tokens[i].Written}
		byWord, byWriting := false, false
		for n, f := range x.Words(want.Word) {
			byWord = byWord || n == number && f == want
		}
		for n, f := range x.Written(want.Written[:1]) {
			byWriting = byWriting || n == number && f == want
		}
		if got := x.Form(number); got != want || !byWord || !byWriting {
			t.Fatalf("%q: %+v isn't %+v, or not found: by word %v, by writing %v", text, got, want, byWord, byWriting)
		}
	}
}

func TestALexiconHasWhatTokensHas(t *testing.T) {
	x := NewLexicon()
	for _, name := range []string{"English", "Russian", "Chinese", "English"} {
		agree(t, x, paragraphs[name])
	}
	agree(t, x, "Saya suka membaca buku yang dibaca oleh para penulis, dan mereka menulis pekerjaan\nThe data of the reader")
}

// A word that is said again has its number, and what nobody said is not found.
func TestALexiconNumbersAWordOnce(t *testing.T) {
	var x Lexicon
	text := "the nation and the nations of the world\ndie Nation und die Nationen der Welt\n"
	agree(t, &x, text)
	before := x.Len()
	x.Read(strings.Repeat(text, 3))
	if x.Len() != before {
		t.Errorf("%d numbers, then %d", before, x.Len())
	}
	for n, f := range x.Words("nab") {
		t.Errorf("%d %v", n, f)
	}
}

func FuzzLexicon(f *testing.F) {
	for _, p := range paragraphs {
		f.Add(p, p[:40])
	}
	f.Add("die ältesten Mädchen", "ŋ \u0301a ｶﾞ 東京都 a_b l’été")
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a)+len(b) > 1<<12 {
			return
		}
		var x Lexicon
		agree(t, &x, a)
		agree(t, &x, b+a)
	})
}
