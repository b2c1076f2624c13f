package words

import (
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

// run adds the characters of scripts without spaces that follow one another, as pairs,
// and returns where they end.
func (w *walk) run(at int) int {
	end := 0 // of the run, once it is needed
	r, n := utf8.DecodeRuneInString(w.text[at:])
	for {
		next, more := utf8.DecodeRuneInString(w.text[at+n:])
		alone := easy(next) || !unspaced(next) && !marking(next)
		if easy(r) && alone {
			w.pairWith(pending{pair: w.text[at : at+n], start: uint32(at), end: uint32(at + n)})
		} else {
			if end <= at {
				end = w.dense(at)
			}
			var one string
			if n, one = character(w.text[at:end]); one != "" {
				w.pairWith(pending{pair: one, start: uint32(at), end: uint32(at + n)})
			}
			next, more = utf8.DecodeRuneInString(w.text[at+n:])
		}
		at += n
		if r, n = next, more; n == 0 || !easy(r) && !unspaced(r) && !marking(r) {
			return at
		}
	}
}

// dense returns where a run ends.
func (w *walk) dense(at int) int {
	for at < len(w.text) {
		r, n := utf8.DecodeRuneInString(w.text[at:])
		if !unspaced(r) && !marking(r) {
			break
		}
		at += n
	}
	return at
}

// character returns the length of the character that a run begins with, as readers
// see it, and what an index has of it.
func character(run string) (int, string) {
	all := graphemes.FromString(run)
	all.Next()
	return all.End(), unaccented(plain(all.Value()))
}

// pairWith adds the pair of the last character and one that follows it.
func (w *walk) pairWith(one pending) {
	if w.last.pair != "" {
		pair := pending{start: w.last.start, end: one.end, joined: w.pair}
		split := one.start - pair.start
		if pair.pair = w.text[pair.start:pair.end]; pair.pair[:split] != w.last.pair || pair.pair[split:] != one.pair {
			pair.pair = w.last.pair + one.pair
		}
		w.add(pair)
		w.pair = true
	}
	w.last = one
}

// lone ends a run with the last of its characters.
func (w *walk) lone() {
	if w.last.pair == "" {
		return
	}
	w.last.joined = w.pair
	w.add(w.last)
	w.last, w.pair = pending{}, false
}
