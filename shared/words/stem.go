package words

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/snowballstem"
	snowdutch "github.com/blevesearch/snowballstem/dutch"
	snowenglish "github.com/blevesearch/snowballstem/english"
	snowfrench "github.com/blevesearch/snowballstem/french"
	snowgerman "github.com/blevesearch/snowballstem/german"
	snowitalian "github.com/blevesearch/snowballstem/italian"
	snowportuguese "github.com/blevesearch/snowballstem/portuguese"
	snowrussian "github.com/blevesearch/snowballstem/russian"
	snowspanish "github.com/blevesearch/snowballstem/spanish"
	snowswedish "github.com/blevesearch/snowballstem/swedish"
)

// shortest is how many letters a word has at least that may have an ending.
const shortest = 3

// stem returns what a text's index has of a word that plain returned: first without
// its endings, by which accents tell, then without accents. It may return a word
// that isn't one of the language's, as long as all forms of a word give the same.
func stem(l language, word string) string {
	if !stemmed(l, word) {
		return unaccented(word)
	}
	whole := word
	switch l {
	case hindi:
		word = stemHindi(word)
	case indonesian:
		word = stemIndonesian(unaccented(word))
	case portuguese:
		word = snow(l, singular(word))
	case russian:
		word = snow(l, strings.ReplaceAll(word, "ё", "е")) // as most people write
	default:
		word = snow(l, word)
	}
	if bare := unaccented(word); bare != "" {
		return bare
	}
	return unaccented(whole)
}

// stemmed reports whether a word has endings: none have short ones and those with
// digits, which are names.
func stemmed(l language, word string) bool {
	if l == unknown || utf8.RuneCountInString(word) < shortest {
		return false
	}
	for _, r := range word {
		if !unicode.IsLetter(r) && !unicode.IsMark(r) && r != '\'' {
			return false
		}
	}
	return true
}

func snow(l language, word string) string {
	env := snowballstem.NewEnv(word)
	switch l {
	case english:
		snowenglish.Stem(env)
	case spanish:
		snowspanish.Stem(env)
	case french:
		snowfrench.Stem(env)
	case german:
		snowgerman.Stem(env)
	case portuguese:
		snowportuguese.Stem(env)
	case italian:
		snowitalian.Stem(env)
	case dutch:
		snowdutch.Stem(env)
	case swedish:
		snowswedish.Stem(env)
	case russian:
		snowrussian.Stem(env)
	}
	return env.Current()
}

// plurals are Portuguese ones that Snowball leaves, and their singulars, as in Orengo
// and Huyck's stemmer (2001).
var plurals = [][2]string{{"ões", "ão"}, {"oes", "ao"}, {"ães", "ão"}, {"ais", "al"}, {"éis", "el"}, {"eis", "el"}, {"óis", "ol"}, {"ns", "m"}}

func singular(word string) string {
	for _, p := range plurals {
		if start, ok := strings.CutSuffix(word, p[0]); ok && len(start) > 1 {
			return start + p[1]
		}
	}
	return word
}
