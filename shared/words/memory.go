package words

import "strings"

// mostKnown is how many words a Memory keeps, in some 20 MB.
const mostKnown = 1 << 16

// Memory knows what became of words, for who takes many texts apart: that is several
// times as fast. The zero value knows none. It is not safe for concurrent use.
type Memory struct {
	known map[string]*entry
	room  []entry         // for the next ones
	space strings.Builder // for the letters of the next ones
	queue []pending
}

// entry is what is known of a word as it is written. What every token needs comes
// first, so that it comes into the processor's cache together.
type entry struct {
	parts    bool // it is several words
	nothing  bool // it is none: an accent without its letter
	from, to language
	votes    set
	stop     set     // languages of which it is a function word
	first    reading // in the first language that anybody asked for
	others   []reading
	plain    string
	bare     string // plain without accents
}

// reading is a word in lines of one language.
type reading struct {
	number   uint32 // in the Lexicon, from 1 on; 0: it has none yet
	language language
	word     string // as an index has it; empty while nobody has asked
}

// look returns what is known of a word, or finds out.
func (m *Memory) look(word string) *entry {
	if e, ok := m.known[word]; ok {
		return e
	}
	word = m.keep(word)
	e := m.entry()
	*e = newEntry(word)
	if len(word) > longest {
		return e
	}
	if m.known == nil || len(m.known) == mostKnown {
		m.known = map[string]*entry{} // words change with the subject
	}
	m.known[word] = e
	return e
}

// entry returns room for one more: many are made at once, because that is cheaper.
func (m *Memory) entry() *entry {
	if len(m.room) == 0 {
		m.room = make([]entry, min(max(len(m.known), 8), 256))
	}
	e := &m.room[0]
	m.room = m.room[1:]
	return e
}

// keep copies a word, many into one piece of memory likewise.
func (m *Memory) keep(word string) string {
	begin := m.space.Len()
	if begin+len(word) > m.space.Cap() {
		m.space, begin = strings.Builder{}, 0
		m.space.Grow(max(len(word), min(8*len(m.known), 4<<10)))
	}
	m.space.WriteString(word)
	return m.space.String()[begin:]
}

// newEntry finds out about a word, whose memory it may share.
func newEntry(word string) entry {
	e := entry{first: reading{language: none}}
	switch {
	case small(word):
		e.plain = word[:cut(word)]
		e.bare = e.plain
	case several(word):
		return entry{parts: true}
	default:
		e.plain = plain(word)
		e.bare = unaccented(e.plain)
		e.nothing = e.bare == ""
	}
	e.from, e.to = of(e.plain)
	e.stop, e.votes = votes(e.plain, e.bare)
	return e
}

// small reports whether a word is of small ASCII letters and digits, as most are: then
// nothing is to be taken off.
func small(word string) bool {
	for i := range len(word) {
		if c := word[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// in returns the word as an index has it, and whether it is a function word, in a
// line of a language.
func (e *entry) in(line language) (string, bool) {
	r := e.read(line)
	return e.word(r), r.language != unknown && e.stop.has(r.language)
}

// read returns the reading in a line of a language. It is valid until the next call.
func (e *entry) read(line language) *reading {
	if line < e.from || line >= e.to {
		line = e.from // of another script than the line's, it has its own language
	}
	switch e.first.language {
	case line:
		return &e.first
	case none:
		e.first.language = line
		return &e.first
	}
	for i := range e.others {
		if e.others[i].language == line {
			return &e.others[i]
		}
	}
	e.others = append(e.others, reading{language: line})
	return &e.others[len(e.others)-1]
}

// word returns what an index has.
func (e *entry) word(r *reading) string {
	if r.word == "" {
		r.word = e.bare
		if r.language != unknown {
			r.word = stem(r.language, e.plain)
		}
	}
	return r.word
}
