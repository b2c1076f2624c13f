package words

import (
	"slices"
	"strings"
)

// Indonesian is stemmed as in Tala, "A Study of Stemming Effects on Information
// Retrieval in Bahasa Indonesia" (2003), by rules alone: stemmers with a list of roots
// find more, but the list that they share may not be used by companies.

// affix is a syllable that is taken off.
type affix struct {
	text  string
	nasal string // by which it swallows the first letter of some roots
	not   string // endings that don't go with it
}

var (
	first = []affix{
		{"meng", "ng", "an"}, {"meny", "ny", "an"}, {"men", "n", "an"}, {"mem", "m", "an"}, {"me", "", "an"},
		{"peng", "ng", "kan i"}, {"peny", "ny", "kan i"}, {"pen", "n", "kan i"}, {"pem", "m", "kan i"},
		{"di", "", "an"}, {"ter", "", "an"}, {"ke", "", "kan i"},
	}
	second = []affix{{"ber", "", "i"}, {"per", "", ""}, {"pe", "", "kan"}}
	// learn are the forms of the one root before which ber- and per- change.
	learn = []string{"belajar", "pelajar"}
)

// swallowed says what stood before a vowel, for each nasal: nearly always the one,
// before the roots that follow the other. Tala's rules have no such list, and so find
// kirim in mengirim, or masak in memasak, only by chance.
var swallowed = map[string]struct {
	mostly, rarely string
	roots          []string
}{
	"ng": {"", "k", strings.Fields("aji andung at ata acau ejar ecil ecewa elola elompok emas embang embali enal enak enang endali erja etahu etik ikis ira irim uasa uat ubur uliah umpul unci unjung upas urang uras utip")},
	"m":  {"p", "m", strings.Fields("aaf ain aki akan andi anfaat asak asuk ati enang ilik inta odifikasi ohon uat udah ulai ulia uncul ungkin usnah usuh")},
	"n":  {"t", "n", strings.Fields("aik amai amakan anti asihat egosiasi ikah ikmat ilai ormal")},
	"ny": {"s", "ny", strings.Fields("aman anyi ata")},
}

// unswallowed returns a root with the letter that a prefix has swallowed.
func unswallowed(nasal, rest string) string {
	s, ok := swallowed[nasal]
	if !ok || !vowel(rest, 0) {
		return rest
	}
	for _, root := range s.roots {
		if strings.HasPrefix(rest, root) {
			return s.rarely + rest
		}
	}
	return s.mostly + rest
}

// stemIndonesian takes particles, possessives, prefixes and endings off a word of
// Latin letters without accents, as long as three vowels are left to take from.
func stemIndonesian(word string) string {
	word = trim(word, "kah", "lah", "pun")
	word = trim(word, "ku", "mu", "nya")
	rest, bound := prefix(word, first)
	if bound == nil {
		rest, bound = prefix(word, second)
		return ending(rest, bound)
	}
	root := ending(rest, bound)
	if root != rest && len(bound.text)+len(rest) == len(word) { // nothing was swallowed
		root, _ = prefix(root, second)
	}
	return root
}

func trim(word string, tails ...string) string {
	for _, tail := range tails {
		if start, ok := strings.CutSuffix(word, tail); ok && long(word) {
			return start
		}
	}
	return word
}

// prefix takes the first of some prefixes off that a word has; nil if none.
func prefix(word string, all []affix) (string, *affix) {
	if !long(word) {
		return word, nil
	}
	for _, l := range learn {
		if strings.HasPrefix(word, l) {
			return word[len("bel"):], &second[0]
		}
	}
	if rest, ok := strings.CutPrefix(word, "be"); ok && !vowel(rest, 0) && strings.HasPrefix(rest[1:], "er") {
		return rest, &second[0] // bekerja
	}
	for i, a := range all {
		if rest, ok := strings.CutPrefix(word, a.text); ok && rest != "" {
			return unswallowed(a.nasal, rest), &all[i]
		}
	}
	return word, nil
}

// ending takes off the ending that goes with a prefix.
func ending(word string, bound *affix) string {
	for _, e := range []string{"kan", "an", "i"} {
		start, ok := strings.CutSuffix(word, e)
		if !ok || !long(word) || bound != nil && slices.Contains(strings.Fields(bound.not), e) || e == "i" && strings.HasSuffix(start, "s") {
			continue
		}
		return start
	}
	return word
}

// long reports whether a word has more than two vowels.
func long(word string) bool {
	n := 0
	for i := range len(word) {
		if vowel(word, i) {
			n++
		}
	}
	return n > 2
}

func vowel(word string, i int) bool { return i < len(word) && strings.IndexByte("aeiou", word[i]) >= 0 }
