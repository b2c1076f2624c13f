// Package words takes texts apart into the words that they are found by, in many
// languages. What means the same becomes the same: letter case, accents, width and
// endings are taken off.
//
// Words are those of Unicode's UAX #29. Each line is taken to be of the language whose
// function words it has, and its words lose the endings of that language. A query is
// too short to tell its language, so Forms has a word of it lose the endings of all.
//
// Scripts that put no space between words, such as Chinese, Japanese and Thai, and
// Korean, which glues particles to nouns, give pairs of neighbouring characters, of
// which every longer word is made, and the last character of each run by itself: so
// one character is found as the beginning of a word, wherever it stands.
package words

import (
	"iter"
	"unicode/utf8"
)

// Token is a word of a text.
type Token struct {
	Word       string // as an index has it; it may share the text's memory
	Written    string // without letter case and accents, but with its ending: what Fold makes of it
	Start, End int    // where it stands in the text, in bytes
	Joined     bool   // it goes on where the token before ends: pairs of characters, parts of a name
	Stop       bool   // it is a function word of its line's language, such as "the"
}

// mostPending is how many words wait until their line's language is decided without
// the rest of it.
const mostPending = 1 << 12

// Tokens returns the words of a text in their order.
func Tokens(text string) iter.Seq[Token] { return (&Memory{}).Tokens(text) }

// Tokens is like the function Tokens.
func (m *Memory) Tokens(text string) iter.Seq[Token] {
	return func(yield func(Token) bool) { m.walk(text, whole(yield)) }
}

// whole yields words with what an index has of them.
func whole(yield func(Token) bool) func(pending, language) bool {
	return func(p pending, l language) bool {
		t := Token{Word: p.pair, Written: p.pair, Start: int(p.start), End: int(p.end), Joined: p.joined}
		if p.entry != nil {
			t.Word, t.Stop = p.in(l)
			t.Written = p.bare
		}
		return yield(t)
	}
}

// walk calls yield for each word of a text, with its line's language, until that
// returns false.
func (m *Memory) walk(text string, yield func(pending, language) bool) {
	w := walk{Memory: m, text: text, yield: yield, before: unknown, queue: m.queue[:0]}
	m.queue = nil // another text may be read while this is
	w.segments()
	w.end()
	w.flush()
	m.queue = w.queue
}

// walk is a text on its way.
type walk struct {
	*Memory
	text   string
	yield  func(pending, language) bool // nil: nobody wants more
	queue  []pending                    // words whose language isn't decided
	line   ballot
	before language // of the line before
	last   pending  // the character before, of a script without spaces
	pair   bool     // it was part of a pair
}

// pending is a word whose line goes on.
type pending struct {
	*entry            // nil: it is of a script without spaces
	pair       string // then this
	start, end uint32
	joined     bool
}

// word adds a word of a script with spaces, or its parts, if there is anything in it.
func (w *walk) word(start, end int, joined bool) (ok bool) {
	e := w.look(w.text[start:end])
	switch {
	case e.parts:
		return w.parts(start, end)
	case e.nothing:
		return false
	}
	w.line.add(e.votes)
	w.add(pending{entry: e, start: uint32(start), end: uint32(end), joined: joined})
	return true
}

// parts adds those of a name, or of a word with an article before its apostrophe.
func (w *walk) parts(start, end int) (joined bool) {
	start += elided(w.text[start:end])
	at := start
	part := func(to int) {
		if at < to && w.word(at, to, joined) {
			joined = true
		}
	}
	for i, r := range w.text[start:end] {
		if joint(r) {
			part(start + i)
			at = start + i + utf8.RuneLen(r)
		}
	}
	part(end)
	return joined
}

// add has a word wait until its line ends.
func (w *walk) add(p pending) {
	if len(w.queue) == 0 && (p.entry == nil || p.from >= latin) {
		w.give(p, unknown) // no line says what it is
		return
	}
	if w.queue = append(w.queue, p); len(w.queue) >= mostPending {
		w.decide()
		w.flush()
	}
}

// end ends a line. Until one is decided, all wait for the first that is.
func (w *walk) end() {
	w.lone()
	w.decide()
	if w.before != unknown {
		w.flush()
	}
}

func (w *walk) decide() {
	if l := w.line.winner(w.before); l != unknown {
		w.before = l
	}
	w.line = ballot{}
}

// flush yields what waits; what nothing decides is English.
func (w *walk) flush() {
	l := w.before
	if l == unknown {
		l = english
	}
	for _, p := range w.queue {
		w.give(p, l)
	}
	clear(w.queue) // they share the text's memory
	w.queue = w.queue[:0]
}

// give yields a word as one of a language.
func (w *walk) give(p pending, l language) {
	if w.yield != nil && !w.yield(p, l) {
		w.yield = nil
	}
}
