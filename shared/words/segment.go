package words

import (
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/words"
)

// class is what a character does to the bounds of words by UAX #29. Those that are
// frequent are known here, and need no library: that is three times as fast.
type class uint8

const (
	letter    class = iota //
	digit                  //
	under                  // ties letters and digits
	hard                   // the library has to tell
	gap                    // stands between words
	extend                 // goes with the character before
	mid                    // ties two letters or two digits
	midLetter              // ties two letters
	midDigit               // ties two digits
	dense                  // is of a script without spaces
	tie                    // UAX #29 ties words with it where writers mean a space
)

var classes = func() (all [utf8.RuneSelf]class) {
	for c := range rune(len(all)) {
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
			all[c] = letter
		case '0' <= c && c <= '9':
			all[c] = digit
		case c == '_':
			all[c] = under
		case c == '.' || c == '\'':
			all[c] = mid
		case c == ':':
			all[c] = midLetter
		case c == ',' || c == ';':
			all[c] = midDigit
		default:
			all[c] = gap
		}
	}
	return all
}()

func classOf(r rune) class {
	switch {
	case r < utf8.RuneSelf:
		return classes[r]
	case 0x400 <= r && r < 0x482 || 0x48A <= r && r < 0x530: // Cyrillic
		return letter
	case r < 0xC0:
		if r == ' ' || r == '«' || r == '»' || r == '¿' || r == '¡' {
			return gap
		}
	case r < 0x250: // Latin
		if r != '×' && r != '÷' {
			return letter
		}
	case 0x300 <= r && r < 0x370: // accents
		return extend
	case 0x391 <= r && r < 0x3CF && r != 0x3A2: // Greek
		return letter
	case 0x620 <= r && r < 0x64B: // Arabic
		return letter
	case 0x905 <= r && r < 0x93A: // Devanagari
		return letter
	case 0x901 <= r && r < 0x904, 0x93E <= r && r < 0x94E, r == 0x93C: // its signs
		return extend
	case r == '’' || r == '．':
		return mid
	case r == '，' || r == '；':
		return midDigit
	case r == '：':
		return midLetter
	case r == 0x202F:
		return tie
	case 0x2010 <= r && r < 0x2018 || 0x201A <= r && r < 0x2024 || r == '…', 0x3000 <= r && r < 0x3005, 0x3008 <= r && r < 0x3021,
		r == '！' || r == '（' || r == '）' || r == '？':
		return gap
	case unspaced(r):
		return dense
	}
	return hard
}

// segments takes all of the text, a word at a time.
func (w *walk) segments() {
	for at := 0; at < len(w.text) && w.yield != nil; {
		r, n := rune(w.text[at]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(w.text[at:])
		}
		switch classOf(r) {
		case letter, digit, under:
			if end := w.scan(at); end > 0 {
				w.lone()
				w.word(at, end, false)
				at = end
				continue
			}
			at = w.ask(at)
		case hard:
			at = w.ask(at)
		case dense:
			at = w.run(at)
		default:
			if r == '\n' || r == '\r' {
				w.end()
			} else {
				w.lone()
			}
			at += n
		}
	}
}

// scan returns the end of the word that begins there; 0 if the library has to tell.
func (w *walk) scan(at int) int {
	last := gap
	for at < len(w.text) {
		c, n := class(0), 1
		if b := w.text[at]; b < utf8.RuneSelf {
			c = classes[b]
		} else {
			c, n = w.class(at)
		}
		switch {
		case c <= under:
			last = c
		case c == extend:
		case c == mid || c == midLetter || c == midDigit:
			next, _ := w.class(at + n)
			if next == hard || next == extend {
				return 0
			}
			if next != last || last == letter && c == midDigit || last == digit && c == midLetter || last > digit {
				return at
			}
		case c == hard:
			return 0
		default:
			return at
		}
		at += n
	}
	return at
}

func (w *walk) class(at int) (class, int) {
	if at >= len(w.text) {
		return gap, 0
	}
	if c := w.text[at]; c < utf8.RuneSelf {
		return classes[c], 1
	}
	r, n := utf8.DecodeRuneInString(w.text[at:])
	return classOf(r), n
}

// ask has the library take what comes before a space, and returns where that ends.
func (w *walk) ask(at int) int {
	end := at
	for end < len(w.text) {
		r, n := utf8.DecodeRuneInString(w.text[end:])
		if r == ' ' || r == '\n' || r == 0x202F || unspaced(r) {
			break
		}
		end += n
	}
	for all := words.FromString(w.text[at:end]); w.yield != nil && all.Next(); {
		w.segment(at+all.Start(), at+all.End())
	}
	return end
}

// segment takes what the library found, a word or what stands between two.
func (w *walk) segment(start, end int) {
	r, _ := utf8.DecodeRuneInString(w.text[start:end])
	switch {
	case r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029':
		w.end()
	case wordly(r):
		w.lone()
		w.word(start, end, false)
	default:
		w.lone()
	}
}
