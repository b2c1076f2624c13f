// Package words takes texts apart into the words that they are found by. A text
// and a question about it go the same way, so that what means the same becomes the
// same: letter case, accents, width and English endings are taken off.
//
// Words are those of Unicode's UAX #29. Scripts that put no space between words,
// such as Chinese, Japanese and Thai, give pairs of neighbouring characters, of
// which every longer word is made.
package words

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/english"
	"github.com/clipperhouse/uax29/v2/graphemes"
	"github.com/clipperhouse/uax29/v2/words"
	"golang.org/x/text/unicode/norm"
)

// longest is the length of a word in bytes beyond which only its beginning counts.
const longest = 64

// Of returns the words of a text in their order.
func Of(text string) iter.Seq[string] { return (&Memory{}).Of(text) }

// mostKnown is how many words a Memory keeps.
const mostKnown = 1 << 16

// Memory knows what became of words, for who takes many texts apart: that is several
// times as fast. The zero value knows none. It is not safe for concurrent use.
type Memory struct{ known map[string]string }

// Of is like the function Of.
func (m *Memory) Of(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		w := walk{Memory: m, yield: yield}
		for all := words.FromString(text); w.yield != nil && all.Next(); {
			w.segment(all.Value())
		}
		w.lone()
	}
}

// walk is a text on its way.
type walk struct {
	*Memory
	yield func(string) bool // nil: nobody wants more
	last  string            // character before, of a script without spaces
	pair  bool              // it was part of a pair
}

func (w *walk) emit(word string) {
	if w.yield != nil && !w.yield(word) {
		w.yield = nil
	}
}

// segment takes a word, or what stands between two.
func (w *walk) segment(s string) {
	r, _ := utf8.DecodeRuneInString(s)
	switch {
	case r < utf8.RuneSelf && !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_'):
		w.lone()
	case unspaced(r):
		w.characters(s)
	case r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r):
		w.lone()
		w.word(s)
	default:
		w.lone()
	}
}

// characters adds those of a script without spaces, as pairs.
func (w *walk) characters(s string) {
	for all := graphemes.FromString(s); all.Next(); {
		one := fold(all.Value()[:cut(all.Value())])
		if one == "" {
			continue
		}
		if w.last != "" {
			w.emit(w.last + one)
			w.pair = true
		}
		w.last = one
	}
}

// lone ends a run of such characters; a single one is a word.
func (w *walk) lone() {
	if w.last != "" && !w.pair {
		w.emit(w.last)
	}
	w.last, w.pair = "", false
}

// word adds a word of any other script. Names that are joined by dots, colons or
// low lines count by their parts, numbers as a whole.
func (w *walk) word(s string) {
	if known, ok := w.known[s]; ok {
		w.emit(known)
		return
	}
	raw := s
	if s = fold(s[:cut(s)]); !strings.ContainsAny(s, "._:") || s[0] >= '0' && s[0] <= '9' {
		s = stem(strings.Trim(s, "_"))
		w.learn(raw, s)
		w.emit(s)
		return
	}
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == '.' || r == '_' || r == ':' }) {
		w.emit(stem(part))
	}
}

func (m *Memory) learn(raw, word string) {
	if m.known == nil {
		m.known = map[string]string{}
	}
	if len(m.known) < mostKnown {
		m.known[raw] = word
	}
}

// cut is how much of a word counts, in bytes.
func cut(s string) int {
	if len(s) <= longest {
		return len(s)
	}
	n := longest
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return n
}

// unspaced reports whether a character's script puts no space between words.
func unspaced(r rune) bool {
	return r >= 0xE00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// fold takes off letter case, accents and width.
func fold(s string) string {
	if ascii(s) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		switch {
		case unicode.Is(unicode.Mn, r) && r < 0x370: // marks on Latin letters; other scripts spell with theirs
		case r == '’':
			b.WriteByte('\'')
		case r == 'ß':
			b.WriteString("ss")
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return norm.NFC.String(b.String())
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// stem takes off English endings. What isn't English loses an ending now and then,
// in a text and in a question about it alike.
func stem(s string) string {
	if len(s) < 4 {
		return s
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && c != '\'' {
			return s
		}
	}
	env := snowballstem.NewEnv(s)
	english.Stem(env)
	return env.Current()
}
