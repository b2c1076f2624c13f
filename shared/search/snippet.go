package search

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"

	"parley/shared/words"
)

// Sizes of a snippet.
const (
	snippetSize = 240      // characters, about
	lead        = 60       // of them before the first word that was found
	lookOn      = 16 << 10 // bytes of text after that word in which a better place is looked for
)

// Snippet is a piece of a text with what was found in it.
type Snippet struct {
	Text       string
	Highlights [][2]int // from and to, in characters (code points) of Text; none splits what a reader sees as one
}

// Cut returns the piece of a text that shows most of what was looked for, and false
// if the text has none of it: then it is its beginning.
func (q Query) Cut(text string) (Snippet, bool) { return new(Taken).Cut(q, text) }

// Cut is like Query's, and knows what became of words of other texts.
func (t *Taken) Cut(q Query, text string) (Snippet, bool) {
	text = strings.ToValidUTF8(text, "\uFFFD")
	t.mu.Lock()
	marks := q.marks(text, &t.known().Memory)
	t.mu.Unlock()
	best, most := 0, 0
	for i := range marks {
		seen := map[int]bool{}
		for _, m := range marks[i:] {
			if m.to-marks[i].from > snippetSize-lead {
				break
			}
			seen[m.clause] = true
		}
		if len(seen) > most {
			best, most = i, len(seen)
		}
	}
	at := 0
	if len(marks) > 0 {
		at = marks[best].from
	}
	from, to := window(text, at)
	return show(text[from:to], from, from > 0, to < len(text), marks), len(marks) > 0
}

// mark is a place where a clause was found, in bytes of the text.
type mark struct{ from, to, clause int }

// marks finds the clauses in a text, up to a little behind the first one.
func (q Query) marks(text string, memory *words.Memory) (found []mark) {
	clauses := ranked(q.All)
	longest := 1
	for _, c := range clauses {
		longest = max(longest, c.length())
	}
	var last []words.Token // the newest, as many as the longest clause spans
	for t := range memory.Tokens(text) {
		if len(found) > 0 && t.Start > found[0].from+lookOn {
			break
		}
		if last = append(last, t); len(last) > longest {
			last = last[1:]
		}
		for i, c := range clauses {
			if n := len(last) - c.length(); n >= 0 && c.fits(last[n:]) {
				found = append(found, mark{last[n].Start, t.End, i})
			}
		}
	}
	return found
}

// length is how many words of a text a clause spans.
func (c Clause) length() int { return c.Words[len(c.Words)-1].At + 1 }

// fits reports whether words are those of a clause.
func (c Clause) fits(list []words.Token) bool {
	for _, w := range c.Words {
		if t := list[w.At]; !w.is(t.Word, t.Written) {
			return false
		}
	}
	return true
}

// is reports whether a word of a text is that one.
func (w Word) is(word, written string) bool {
	if w.Prefix != "" {
		return strings.HasPrefix(written, w.Prefix)
	}
	return slices.Contains(w.Forms, word)
}

// window returns the piece of a text around a place, which begins and ends between
// words where that is possible, and never within a character.
func window(text string, at int) (from, to int) {
	from = at
	for n := 0; from > 0 && n < lead; n++ {
		r, size := utf8.DecodeLastRuneInString(text[:from])
		if r == '\n' && n > 0 {
			break
		}
		from -= size
	}
	if from > 0 && from < at {
		if space := strings.IndexFunc(text[from:at], unicode.IsSpace); space >= 0 {
			from += space
		}
	}
	from = boundary(text, from)
	to = from
	for n := 0; to < len(text) && n < snippetSize; n++ {
		_, size := utf8.DecodeRuneInString(text[to:])
		to += size
	}
	if to < len(text) {
		if space := strings.LastIndexFunc(text[at:to], unicode.IsSpace); space > 0 {
			to = at + space
		}
		to = boundary(text, to)
	}
	return from, to
}

// boundary moves a place in a text back to the beginning of what a reader sees as one
// character.
func boundary(text string, at int) int {
	const far = 256 // bytes; longer than any that is meant
	start := max(0, at-far)
	for start > 0 && !utf8.RuneStart(text[start]) {
		start--
	}
	last := start
	for g := graphemes.FromString(text[start:]); g.Next(); {
		if start+g.Start() > at {
			break
		}
		last = start + g.Start()
	}
	if at-last > far/2 || at == len(text) {
		return at
	}
	return last
}

// show makes a snippet of a piece of a text: line ends and other controls become
// spaces, runs of them one, and marks become places in what is left.
func show(piece string, from int, before, after bool, marks []mark) Snippet {
	var b strings.Builder
	places := make([]int, 1, len(piece)+1) // characters written before each byte of piece
	n, space := 0, true
	if before {
		b.WriteString("…")
		n = 1
	}
	places[0] = n
	for _, r := range piece {
		out := r
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			out = ' '
		}
		if out != ' ' || !space {
			b.WriteRune(out)
			n++
		}
		space = out == ' '
		for range utf8.RuneLen(r) {
			places = append(places, n)
		}
	}
	if after {
		b.WriteString("…")
	}
	s := Snippet{Text: strings.TrimRight(b.String(), " ")}
	for _, m := range merged(marks) {
		if m.from < from || m.to > from+len(piece) {
			continue
		}
		end := wholeEnd(piece, m.to-from)
		s.Highlights = append(s.Highlights, [2]int{places[m.from-from], places[end]})
	}
	return s
}

// wholeEnd moves the end of a word behind what belongs to its last character.
func wholeEnd(piece string, at int) int {
	for at < len(piece) {
		r, size := utf8.DecodeRuneInString(piece[at:])
		if !unicode.Is(unicode.M, r) && r != '\u200D' && r != '\u200C' {
			break
		}
		at += size
	}
	return at
}

// merged puts marks in order and joins those that overlap.
func merged(marks []mark) (list []mark) {
	slices.SortFunc(marks, func(a, b mark) int { return a.from - b.from })
	for _, m := range marks {
		if n := len(list); n > 0 && m.from <= list[n-1].to {
			list[n-1].to = max(list[n-1].to, m.to)
			continue
		}
		list = append(list, m)
	}
	return list
}
