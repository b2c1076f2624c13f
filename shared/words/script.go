package words

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// unspaced reports whether a character's script puts no space between words, or, as
// Korean, glues to a word what isn't of it.
func unspaced(r rune) bool {
	switch {
	case r < 0xE00:
		return false
	case 0x3041 <= r && r < 0xA000 || 0xAC00 <= r && r < 0xD7A4: // most of them, at once
		return r != '・' && unicode.IsLetter(r)
	}
	return r == 'ｰ' || unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// kind is what a character is within what UAX #29 holds to be one word.
type kind uint8

const (
	none   kind = iota
	spaced      // a letter or digit of a script with spaces
	packed      // a character of a script without
	mark        // goes with the character before
	joint       // holds the parts of a name together
)

func kindOf(r rune) kind {
	switch {
	case r < utf8.RuneSelf:
		if r == '.' || r == '_' || r == ':' {
			return joint
		}
		return spaced
	case strings.ContainsRune("．＿：․﹒﹕︓︳︴﹍﹎﹏", r): // which become those
		return joint
	case unicode.In(r, unicode.M, unicode.Cf):
		return mark
	case unspaced(r):
		return packed
	}
	return spaced
}

// several reports whether what UAX #29 holds to be one word is several: names that
// are joined by dots, colons or low lines, but not numbers; scripts that meet; an
// article before its apostrophe.
func several(word string) bool {
	number := '0' <= word[0] && word[0] <= '9'
	for _, r := range word {
		if k := kindOf(r); k == packed || k == joint && !number {
			return true
		}
	}
	return elided(word) > 0
}

// elisions are what French and Italian write before an apostrophe.
var elisions = strings.Fields("l d j m t s n c qu jusqu lorsqu puisqu quoiqu un all dall dell nell sull quest quell dov cos anch com")

// elided returns the length of an article or the like that a word begins with, up to
// its apostrophe: it isn't what anybody looks for.
func elided(word string) int {
	for n, r := range word {
		if n > len("quoiqu") {
			break
		}
		if r != '\'' && r != '’' {
			continue
		}
		for _, e := range elisions {
			if strings.EqualFold(e, word[:n]) && n+utf8.RuneLen(r) < len(word) {
				return n + utf8.RuneLen(r)
			}
		}
		break
	}
	return 0
}
