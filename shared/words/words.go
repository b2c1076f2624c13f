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
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
	"github.com/clipperhouse/uax29/v2/words"
)

// Token is a word of a text.
type Token struct {
	Word       string // as an index has it; it may share the text's memory
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
	return func(yield func(Token) bool) {
		w := walk{Memory: m, text: text, yield: yield, before: unknown, queue: m.queue[:0]}
		m.queue = nil // another text may be read while this is
		for all := words.FromString(text); w.yield != nil && all.Next(); {
			w.segment(all.Start(), all.End())
		}
		w.end()
		w.flush()
		clear(w.queue[:cap(w.queue)])
		m.queue = w.queue
	}
}

// walk is a text on its way.
type walk struct {
	*Memory
	text   string
	yield  func(Token) bool // nil: nobody wants more
	queue  []pending        // words whose language isn't decided
	line   ballot
	before language // of the line before
	last   Token    // the character before, of a script without spaces
	pair   bool     // it was part of a pair
}

// pending is a word whose line goes on.
type pending struct {
	Token
	*entry // nil if Word stands already
}

// segment takes a word, or what stands between two.
func (w *walk) segment(start, end int) {
	r, _ := utf8.DecodeRuneInString(w.text[start:end])
	switch {
	case r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029':
		w.end()
	case r < utf8.RuneSelf && !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_'):
		w.lone()
	case unspaced(r):
		w.parts(start, end)
	case r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r):
		w.lone()
		w.word(start, end, false)
	default:
		w.lone()
	}
}

// word adds a word of a script with spaces.
func (w *walk) word(start, end int, joined bool) {
	e := w.look(w.text[start:end])
	switch {
	case e.parts:
		w.parts(start, end)
	case e.plain != "":
		w.line.add(e.votes)
		w.add(Token{Start: start, End: end, Joined: joined}, e)
	}
}

// parts adds those of a name, or of words that are written as one.
func (w *walk) parts(start, end int) {
	start += elided(w.text[start:end])
	at, now, named := start, none, false
	part := func(to int) {
		switch {
		case now == packed:
			w.characters(at, to)
		case now == spaced:
			w.lone()
			w.word(at, to, named)
			named = true
		}
		at = to
	}
	for i, r := range w.text[start:end] {
		k := kindOf(r)
		if k == mark || k == now {
			continue
		}
		part(start + i)
		if now == packed || k == packed {
			named = false
		}
		now = k
	}
	part(end)
}

// characters adds those of a script without spaces, as pairs.
func (w *walk) characters(start, end int) {
	for all := graphemes.FromString(w.text[start:end]); all.Next(); {
		one := Token{Start: start + all.Start(), End: start + all.End()}
		if one.Word = unaccented(plain(all.Value())); one.Word == "" {
			continue
		}
		if w.last.Word != "" {
			w.add(Token{Word: w.last.Word + one.Word, Start: w.last.Start, End: one.End, Joined: w.pair}, nil)
			w.pair = true
		}
		w.last = one
	}
}

// lone ends a run of such characters with the last of them.
func (w *walk) lone() {
	if w.last.Word == "" {
		return
	}
	w.last.Joined = w.pair
	w.add(w.last, nil)
	w.last, w.pair = Token{}, false
}

// add has a word wait until its line ends.
func (w *walk) add(t Token, e *entry) {
	if w.queue = append(w.queue, pending{t, e}); len(w.queue) == mostPending {
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
		if w.yield == nil {
			break
		}
		if p.entry != nil {
			p.Word, p.Stop = p.in(l)
		}
		if p.Word != "" && !w.yield(p.Token) {
			w.yield = nil
		}
	}
	w.queue = w.queue[:0]
}
