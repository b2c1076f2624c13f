package corpus

import (
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf8"
)

// Query is what somebody types.
type Query struct {
	Kind Kind
	Text string
}

// Kind is what a query is like.
type Kind string

// The kinds.
const (
	One      Kind = "one word"
	Words    Kind = "two to four words"
	Question Kind = "a question"
	Phrase   Kind = "a phrase"
	Prefix   Kind = "a prefix"
	Without  Kind = "without a word"
	Typo     Kind = "a typo"
	Missing  Kind = "what isn't there"
	Common   Kind = "only function words"
	Between  Kind = "a phrase of function words"
)

// Kinds are all of them.
var Kinds = []Kind{One, Words, Question, Phrase, Prefix, Without, Typo, Missing, Common, Between}

// perKind is how many queries there are of each.
const perKind = 24

// Queries returns queries for what is in the first chats of every history, the same
// at every run: of two thirds of the kinds the English ones, of the others those of
// all languages in turn.
func (c *Corpus) Queries() (all []Query) {
	r := rand.New(rand.NewPCG(c.seed, 1<<40))
	byLanguage := map[string][]Chat{}
	for one := range c.History(3000) {
		byLanguage[one.Language] = append(byLanguage[one.Language], one)
	}
	for _, kind := range Kinds {
		for n := range perKind {
			l := c.languages[0]
			if other := c.languages[n%len(c.languages)]; n%3 == 2 && len(byLanguage[other.name]) > 0 {
				l = other
			}
			all = append(all, Query{kind, l.query(kind, byLanguage[l.name], r)})
		}
	}
	return all
}

// query makes one of a kind.
func (l *language) query(kind Kind, chats []Chat, r *rand.Rand) string {
	run := func(n int) []string { return l.run(chats, n, r) }
	rare := func() string { return l.rare(chats, r) }
	switch kind {
	case One:
		return rare()
	case Words:
		var words []string
		for range 2 + r.IntN(3) {
			words = append(words, rare())
		}
		return strings.Join(words, " ")
	case Question:
		return strings.Join(run(7+r.IntN(6)), l.gap)
	case Phrase:
		return `"` + strings.Join(run(2+r.IntN(3)), l.gap) + `"`
	case Prefix:
		c := []rune(rare())
		return string(c[:min(len(c), 2+r.IntN(3))]) + "*"
	case Without:
		return rare() + " -" + rare()
	case Typo:
		return mistype(rare(), r)
	case Missing:
		return rare() + "qx" + rare()
	case Common:
		return strings.Join(l.functionWords(1+r.IntN(2), r), l.gap)
	}
	return `"` + strings.Join(l.functionWords(2, r), l.gap) + `"`
}

// run returns words that stand side by side in a text.
func (l *language) run(chats []Chat, n int, r *rand.Rand) []string {
	for {
		m := chats[r.IntN(len(chats))].Messages
		text := m[r.IntN(len(m))].Text
		words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n.,。，、।\"", r) })
		if l.gap == "" {
			words = strings.Split(strings.Join(words, ""), "")
		}
		if len(words) > n {
			at := r.IntN(len(words) - n)
			return words[at : at+n]
		}
	}
}

// rare returns a word of a text that isn't a function word.
func (l *language) rare(chats []Chat, r *rand.Rand) string {
	for {
		var word string
		if l.gap == "" { // its texts don't say where words are
			word = l.words[l.functions+r.IntN(500)]
		} else {
			word = l.run(chats, 1, r)[0]
		}
		if utf8.RuneCountInString(word) > 1 && !slices.Contains(l.words[:l.functions], strings.ToLower(word)) {
			return word
		}
	}
}

// functionWords draws n of the commonest.
func (l *language) functionWords(n int, r *rand.Rand) (words []string) {
	for range n {
		words = append(words, l.words[r.IntN(8)])
	}
	return words
}

// mistype changes the places of two letters, leaves one out, or takes a wrong one.
func mistype(word string, r *rand.Rand) string {
	c := []rune(word)
	if len(c) < 4 {
		c = append(c, c...)
	}
	at := 1 + r.IntN(len(c)-2)
	switch r.IntN(3) {
	case 0:
		c[at], c[at+1] = c[at+1], c[at]
	case 1:
		c = slices.Delete(c, at, at+1)
	default:
		c[at] = 'x'
	}
	return string(c)
}
