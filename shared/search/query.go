package search

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"parley/shared/problem"
	"parley/shared/words"
)

// Bounds of what a user may ask for.
const (
	MaxQuery    = 1000 // characters
	maxClauses  = 32   // words, phrases and prefixes
	maxPhrase   = 32   // words of one phrase
	maxPrefixes = 4
	minPrefix   = 2 // characters, of a script with letters
)

// Query is what a message must have to be found: all of All and nothing of None.
type Query struct {
	All  []Clause
	None []Clause
}

// Clause is one word, or several that stand together.
type Clause struct {
	Words []Word
	// Loose clauses may be missing where no message has all of them: plain words, but
	// no phrases, which somebody has put in quotes.
	Loose bool
	// Stop clauses are words that nearly every text has. They are looked for only
	// where they are all that there is, or in a phrase.
	Stop bool
}

// Word is what stands in one place of a clause.
type Word struct {
	Forms  []string // as an index has it: any of them will do
	Prefix string   // instead of these, all that is written with that beginning
	At     int      // how far it stands behind the clause's first word
	Typed  string   // as it was typed, without letter case and accents, for what looks similar
}

// Parse reads a query as people type it: words, "a phrase", prefix*, -without. A
// quote without its partner ends with the query.
func Parse(text string) (Query, error) {
	var c problem.Check
	q := parse(text, &c)
	return q, c.Err()
}

// parse is Parse that notes what is wrong, as the field q.
func parse(text string, check *problem.Check) (q Query) {
	prefixes, long := 0, utf8.RuneCountInString(text) > MaxQuery
	if !long {
		for _, p := range chunks(text) {
			for _, c := range p.clauses() {
				if c.Words[len(c.Words)-1].Prefix != "" {
					prefixes++
				}
				if p.without {
					q.None = append(q.None, c)
				} else {
					q.All = append(q.All, c)
				}
			}
		}
	}
	switch {
	case long:
		check.That(false, "q", "query_too_long", fmt.Sprintf("A query has at most %d characters.", MaxQuery))
	case len(q.All)+len(q.None) > maxClauses || prefixes > maxPrefixes || slices.ContainsFunc(q.All, tooLong) || slices.ContainsFunc(q.None, tooLong):
		check.That(false, "q", "query_too_complex", fmt.Sprintf("A query has at most %d words and phrases, %d of them with a *, and a phrase %d words.", maxClauses, maxPrefixes, maxPhrase))
	case len(q.All) == 0 && len(q.None) > 0:
		check.That(false, "q", "only_without", "A query needs a word that is to be found, besides those that are not.")
	case len(q.All) == 0:
		check.That(false, "q", "no_words", "A query needs a word to look for.")
	}
	return q
}

func tooLong(c Clause) bool { return len(c.Words) > maxPhrase }

// chunk is a piece of a query between white space, or between quotes.
type chunk struct {
	text                    string
	without, quoted, prefix bool
}

// chunks takes a query apart.
func chunks(text string) (list []chunk) {
	for text = strings.TrimSpace(strings.ToValidUTF8(text, " ")); text != ""; text = strings.TrimSpace(text) {
		var p chunk
		if len(text) > 1 && (text[0] == '-' || text[0] == '+') && !strings.HasPrefix(text[1:], " ") {
			p.without = text[0] == '-'
			text = text[1:]
		}
		if quote, size := utf8.DecodeRuneInString(text); strings.ContainsRune(opening, quote) {
			p.quoted = true
			text = text[size:]
			end := strings.IndexAny(text, closing)
			if end < 0 {
				p.text, text = text, ""
			} else {
				_, size = utf8.DecodeRuneInString(text[end:])
				p.text, text = text[:end], text[end+size:]
			}
		} else {
			end := strings.IndexFunc(text, isSpace)
			if end < 0 {
				end = len(text)
			}
			p.text, text = text[:end], text[end:]
			p.text, p.prefix = strings.CutSuffix(p.text, "*")
		}
		list = append(list, p)
	}
	return list
}

// Quotes as keyboards and phones make them.
const (
	opening = "\"“”„«»「『"
	closing = "\"“”«»」』"
)

func isSpace(r rune) bool {
	return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\u00A0' || r == '\u3000'
}

// clauses are the words of a chunk: one clause if they are quoted; else one for each
// word, except that what is written without a gap stays together, as a name with
// dots does, or a word of a script without spaces.
func (p chunk) clauses() (list []Clause) {
	first := 0 // place of the clause's first word
	for _, t := range words.Query(p.text) {
		w := Word{Forms: t.Forms, Typed: words.Fold(p.text[t.Start:t.End])}
		if t.Prefix {
			w.Forms, w.Prefix = nil, t.Word
		}
		if n := len(list); n > 0 && (p.quoted || t.Joined) {
			w.At = t.At - first
			list[n-1].Words = append(list[n-1].Words, w)
			list[n-1].Stop = false
			continue
		}
		first = t.At
		list = append(list, Clause{Words: []Word{w}, Loose: !p.quoted && !p.without, Stop: t.Stop})
	}
	if n := len(list); n > 0 && p.prefix {
		c := &list[n-1]
		last := &c.Words[len(c.Words)-1]
		if utf8.RuneCountInString(last.Typed) >= minPrefix {
			last.Forms, last.Prefix, c.Stop = nil, last.Typed, false
		}
	}
	return list
}
