package words

import "strings"

// mostKnown is how many words a Memory keeps, in some 20 MB.
const mostKnown = 1 << 16

// Memory knows what became of words, for who takes many texts apart: that is several
// times as fast. The zero value knows none. It is not safe for concurrent use.
type Memory struct {
	known map[string]*entry
	queue []pending
}

// entry is what is known of a word as it is written.
type entry struct {
	parts    bool // it is several words
	plain    string
	bare     string // plain without accents
	votes    set
	stop     set // languages of which it is a function word
	from, to language
	stems    [languages]string // as far as anybody asked
}

// look returns what is known of a word, or finds out.
func (m *Memory) look(word string) *entry {
	e, ok := m.known[word]
	if ok {
		return e
	}
	e = newEntry(word)
	if len(word) > longest {
		return e
	}
	if m.known == nil || len(m.known) == mostKnown {
		m.known = map[string]*entry{} // words change with the subject
	}
	m.known[strings.Clone(word)] = e
	return e
}

func newEntry(word string) *entry {
	if several(word) {
		return &entry{parts: true}
	}
	e := &entry{plain: strings.Clone(plain(word))}
	e.bare = unaccented(e.plain)
	if e.bare == "" {
		e.plain = "" // an accent without its letter
	}
	e.from, e.to = of(e.plain)
	e.stop = function[e.bare]
	e.votes = votes(e.plain, e.bare)
	return e
}

// in returns the word as an index has it, and whether it is a function word, in a
// line of a language.
func (e *entry) in(line language) (string, bool) {
	l := line
	if l < e.from || l >= e.to {
		l = e.from // of another script than the line's, it has its own language
	}
	if l == unknown {
		return e.bare, false
	}
	if e.stems[l] == "" {
		e.stems[l] = stem(l, e.plain)
	}
	return e.stems[l], e.stop.has(l)
}
