package words

import (
	_ "embed"
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"
)

// language is one whose endings are known.
type language uint8

// Those of Latin script come first, the likelier before.
const (
	english language = iota
	spanish
	french
	german
	portuguese
	indonesian
	italian
	dutch
	swedish
	russian
	hindi
	languages
	latin   = russian // so many are of Latin script
	unknown = languages
	none    = languages + 1
)

// set is a set of languages, a bit for each.
type set uint16

func (s set) has(l language) bool { return s>>l&1 != 0 }

//go:embed function.txt
var list string

// function has the function words of all languages, without accents.
var function = func() map[string]set {
	names := map[string]language{"en": english, "es": spanish, "fr": french, "de": german, "pt": portuguese, "id": indonesian,
		"it": italian, "nl": dutch, "sv": swedish, "ru": russian, "hi": hindi}
	all := map[string]set{}
	for line := range strings.Lines(list) {
		if name, words, ok := strings.Cut(line, ":"); ok {
			for w := range strings.FieldsSeq(words) {
				all[w] |= 1 << names[name]
			}
		}
	}
	return all
}()

// hints are letters that tell a language nearly as well as a function word.
var hints = map[rune]set{
	'ñ': 1 << spanish, 'ã': 1 << portuguese, 'õ': 1 << portuguese, 'ç': 1<<portuguese | 1<<french,
	'ê': 1<<portuguese | 1<<french, 'è': 1<<french | 1<<italian, 'ß': 1 << german, 'ü': 1 << german,
	'ä': 1<<german | 1<<swedish, 'ö': 1<<german | 1<<swedish, 'å': 1 << swedish,
}

// votes says of which languages a word is a function word, and for which it speaks.
func votes(word, bare string) (stop, all set) {
	stop = function[bare]
	all = stop
	if stop == 0 && word != bare {
		for _, r := range word {
			all |= hints[r]
		}
	}
	return stop, all
}

// of returns the languages that a word may be of by its script; none for scripts
// whose words are left as they are.
func of(word string) (from, to language) {
	r, _ := utf8.DecodeRuneInString(word)
	switch {
	case r < 0x250 || 0x1E00 <= r && r < 0x1F00:
		return 0, latin
	case unicode.Is(unicode.Cyrillic, r):
		return russian, russian + 1
	case unicode.Is(unicode.Devanagari, r):
		return hindi, hindi + 1
	}
	return unknown, unknown
}

// ballot counts what the words of a line speak for.
type ballot [latin]int

func (b *ballot) add(s set) {
	for s &= 1<<latin - 1; s != 0; s &= s - 1 {
		b[bits.TrailingZeros16(uint16(s))]++
	}
}

// winner returns the language of a line. Where several fit alike it is that of the
// line before if that is one of them, or else the likelier; unknown if none has a word.
func (b *ballot) winner(before language) language {
	most := 0
	for _, n := range b {
		most = max(most, n)
	}
	switch {
	case most == 0:
		return unknown
	case before != unknown && b[before] == most:
		return before
	}
	for l := range latin {
		if b[l] == most {
			return l
		}
	}
	return unknown
}
