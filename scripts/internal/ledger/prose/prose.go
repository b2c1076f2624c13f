// Package prose writes text that looks like English to whoever reads or
// compresses it: what a turn costs depends on how well its text compresses, and a
// sentence said a hundred times would cost next to nothing.
//
// It takes words by Zipf's law, as languages do, in sentences and paragraphs with
// capitals, commas and endings. 8 KiB of it become about 3.1 KB in zstd, like 8 KiB
// of a book.
package prose

import (
	_ "embed"
	"math/rand/v2"
	"slices"
	"strings"
)

//go:embed words.txt
var wordList string

// The k-th commonest word is as frequent as (offset+k)^-steepness; all three
// numbers are chosen so that the text compresses like English.
const (
	steepness = 1.2
	offset    = 4
	echo      = 6 // one new word in so many begins a phrase that was there before
)

// endings inflect a word now and then.
var endings = []string{"s", "s", "ed", "ing", "ly", "er", "'s", "ness", "al"}

// English returns exactly n bytes of text, always the same for the same seed.
func English(n int, seed uint64) string {
	w := &writer{rand: rand.New(rand.NewPCG(seed, 1)), words: words()}
	w.zipf = rand.NewZipf(w.rand, steepness, offset, uint64(len(w.words)-1))
	for w.text.Len() < n {
		w.sentence()
	}
	return w.text.String()[:n]
}

// words is the list without repetitions, the commonest first.
func words() []string {
	var list []string
	seen := map[string]bool{}
	for _, word := range strings.Fields(wordList) {
		if !seen[word] {
			list = append(list, word)
		}
		seen[word] = true
	}
	return slices.Clip(list)
}

type writer struct {
	rand      *rand.Rand
	zipf      *rand.Zipf
	words     []string
	text      strings.Builder
	sentences int
	said      []string
	phrase    int // words of a repeated phrase that are still to come
	from      int // where the next of them is in said
}

func (w *writer) sentence() {
	length := 5 + w.rand.IntN(18)
	for i := range length {
		word := w.word()
		if i == 0 {
			word = strings.ToUpper(word[:1]) + word[1:]
		}
		w.text.WriteString(word)
		switch {
		case i == length-1:
			w.text.WriteString(".")
		case i > 2 && w.rand.IntN(12) == 0:
			w.text.WriteString(",")
		}
		if i < length-1 {
			w.text.WriteString(" ")
		}
	}
	if w.sentences++; w.sentences%6 == 0 {
		w.text.WriteString("\n\n")
	} else {
		w.text.WriteString(" ")
	}
}

// word goes on with a turn of phrase that was used before, or takes a new word,
// the commoner ones more often.
func (w *writer) word() string {
	if w.phrase == 0 && len(w.said) > 50 && w.rand.IntN(echo) == 0 {
		w.phrase, w.from = 2+w.rand.IntN(3), w.rand.IntN(len(w.said)-5)
	}
	word := ""
	if w.phrase > 0 {
		word = w.said[w.from]
		w.phrase, w.from = w.phrase-1, w.from+1
	} else {
		word = w.fresh()
	}
	w.said = append(w.said, word)
	return word
}

func (w *writer) fresh() string {
	at := int(w.zipf.Uint64())
	word := w.words[at]
	if at > 60 && w.rand.IntN(4) == 0 {
		word += endings[w.rand.IntN(len(endings))]
	}
	return word
}
