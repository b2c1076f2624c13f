package words

import (
	"slices"
	"strings"
)

// mostForms is how many Forms returns at most.
const mostForms = 12

// spellings are endings that people type without their accents, and plurals that
// change a letter; with each, what a text may have instead.
var spellings = map[language][][2]string{
	spanish: {{"cion", "ción"}, {"ia", "ía"}, {"ias", "ías"}, {"ian", "ían"}, {"iamos", "íamos"}, {"abamos", "ábamos"},
		{"io", "ió"}, {"eran", "erán"}, {"iran", "irán"}, {"logia", "logía"}, {"z", "ces"}, {"ces", "z"}},
	portuguese: {{"ao", "ão"}, {"cao", "ção"}, {"oes", "ões"}, {"coes", "ções"}, {"aes", "ães"}, {"avel", "ável"}, {"ivel", "ível"},
		{"encia", "ência"}, {"ancia", "ância"}, {"aria", "ária"}, {"arias", "árias"}, {"avamos", "ávamos"}, {"iamos", "íamos"},
		{"aveis", "áveis"}, {"iveis", "íveis"}, {"ois", "óis"}, {"iram", "íram"}, {"iam", "íam"}},
	french: {{"e", "é"}, {"es", "és"}, {"ee", "ée"}, {"ees", "ées"}, {"ere", "ère"}, {"eres", "ères"}, {"erent", "èrent"},
		{"ierement", "ièrement"}, {"erait", "érait"}, {"eraient", "éraient"}, {"erez", "érez"}, {"ames", "âmes"}, {"ites", "îtes"}},
	italian: {{"ita", "ità"}, {"o", "ò"}, {"a", "à"}, {"e", "è"}},
	swedish: {{"lost", "löst"}},
}

// Forms returns what a word that somebody types may be in an index, the likeliest
// first: the word without the endings of each language of its script, typed with
// accents or without. What Tokens makes of the same word in any text is among them.
func Forms(word string) []string {
	word = plain(word)
	bare := unaccented(word)
	from, to := of(word)
	if bare == "" {
		return nil
	}
	if from == to {
		return []string{bare}
	}
	var all []string
	add := func(form string) {
		if form != "" && len(all) < mostForms && !slices.Contains(all, form) {
			all = append(all, form)
		}
	}
	_, hinted := votes(word, bare)
	for _, likely := range []bool{true, false} {
		for l := from; l < to; l++ {
			if hinted.has(l) == likely {
				add(stem(l, word))
			}
		}
	}
	for l := from; l < to; l++ {
		add(stem(l, bare))
	}
	for l := from; l < to; l++ {
		for _, s := range spellings[l] {
			if start, ok := strings.CutSuffix(bare, s[0]); ok {
				add(stem(l, start+s[1]))
			}
		}
	}
	return all
}
