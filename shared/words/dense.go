package words

import (
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

// dense returns where a run of characters of scripts without spaces ends.
func (w *walk) dense(at int) int {
	for at < len(w.text) {
		r, n := utf8.DecodeRuneInString(w.text[at:])
		if r < utf8.RuneSelf || !unspaced(r) && !marking(r) {
			break
		}
		at += n
	}
	return at
}

// characters adds those of a run, as pairs.
func (w *walk) characters(start, end int) {
	for start < end {
		n, one := character(w.text[start:end])
		if one != "" {
			w.pairWith(Token{Word: one, Start: start, End: start + n})
		}
		start += n
	}
}

// character returns the length of the character that a run begins with, as readers
// see it, and what an index has of it.
func character(run string) (int, string) {
	if r, n := utf8.DecodeRuneInString(run); easy(r) {
		if next, _ := utf8.DecodeRuneInString(run[n:]); n == len(run) || easy(next) {
			return n, run[:n]
		}
	}
	all := graphemes.FromString(run)
	all.Next()
	return all.End(), unaccented(plain(all.Value()))
}

// pairWith adds the pair of the last character and one that follows it.
func (w *walk) pairWith(one Token) {
	if w.last.Word != "" {
		pair := Token{Start: w.last.Start, End: one.End, Joined: w.pair}
		if pair.Word = w.text[pair.Start:pair.End]; pair.Word[:one.Start-pair.Start] != w.last.Word || pair.Word[one.Start-pair.Start:] != one.Word {
			pair.Word = w.last.Word + one.Word
		}
		w.add(pair, nil)
		w.pair = true
	}
	w.last = one
}

// lone ends a run with the last of its characters.
func (w *walk) lone() {
	if w.last.Word == "" {
		return
	}
	w.last.Joined = w.pair
	w.add(w.last, nil)
	w.last, w.pair = Token{}, false
}
