package words

import "strings"

// Indonesian is stemmed as in Tala, "A Study of Stemming Effects on Information
// Retrieval in Bahasa Indonesia" (2003), by rules alone: stemmers with a list of roots
// find more, but the list that they share may not be used by companies.

// affix is a syllable that is taken off, and what stood there before it came.
type affix struct {
	text  string
	vowel string // what replaces it before a vowel, where it has swallowed a consonant
	not   string // endings that don't go with it
}

var (
	first = []affix{
		{"meng", "", "an"}, {"meny", "s", "an"}, {"men", "t", "an"}, {"mem", "p", "an"}, {"me", "", "an"},
		{"peng", "", "kan i"}, {"peny", "s", "kan i"}, {"pen", "t", "kan i"}, {"pem", "p", "kan i"},
		{"di", "", "an"}, {"ter", "", "an"}, {"ke", "", "kan i"},
	}
	second = []affix{{"ber", "", "i"}, {"per", "", ""}, {"pe", "", "kan"}}
	// learn is the one root before which ber- and per- change.
	learn = []string{"belajar", "pelajar"}
)

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
	if root := ending(rest, bound); root != rest {
		rest, _ = prefix(root, second)
	}
	return rest
}

// others returns what else an Indonesian root may be: prefixes swallow its first
// letter, or seem to, and only who searches can try both.
func others(root string) []string {
	if root == "" {
		return nil
	}
	rest := root[1:]
	switch {
	case vowel(root, 0):
		return []string{"k" + root}
	case !vowel(root, 1):
		if strings.HasPrefix(root, "ny") {
			return []string{"s" + root[2:]}
		}
		return nil
	}
	switch root[0] {
	case 'k':
		return []string{rest}
	case 'm':
		return []string{"p" + rest}
	case 'p':
		return []string{"m" + rest}
	case 'n':
		return []string{"t" + rest}
	case 't':
		return []string{"n" + rest}
	case 's':
		return []string{"ny" + rest}
	}
	return nil
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
			return word[len("be"):][1:], &second[0]
		}
	}
	for i, a := range all {
		rest, ok := strings.CutPrefix(word, a.text)
		switch {
		case !ok:
		case vowel(rest, 0):
			return a.vowel + rest, &all[i]
		case rest != "":
			return rest, &all[i]
		}
	}
	return word, nil
}

// ending takes off the ending that goes with a prefix.
func ending(word string, bound *affix) string {
	for _, e := range []string{"kan", "an", "i"} {
		start, ok := strings.CutSuffix(word, e)
		if !ok || !long(word) || bound != nil && goes(e, bound.not) || e == "i" && strings.HasSuffix(start, "s") {
			continue
		}
		return start
	}
	return word
}

func goes(e, not string) bool {
	for n := range strings.FieldsSeq(not) {
		if n == e {
			return true
		}
	}
	return false
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
