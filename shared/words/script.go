package words

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// unspaced reports whether a character's script puts no space between words, or, as
// Korean, glues to a word what isn't of it.
func unspaced(r rune) bool {
	return r >= 0xE00 && (easy(r) || r == 'ｰ' ||
		unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar))
}

// easy reports whether a character is one of the many of such scripts that stand for
// themselves: nothing is to be taken off.
func easy(r rune) bool {
	return 0x4E00 <= r && r < 0xA000 || 0x3041 <= r && r < 0x3097 || 0x30A1 <= r && r < 0x30FB || r == 'ー' || 0xAC00 <= r && r < 0xD7A4
}

// marking reports whether a character goes with the one before.
func marking(r rune) bool {
	return r >= 0x300 && (unicode.In(r, unicode.M, unicode.Cf) || r == 0xFF9E || r == 0xFF9F) // sound marks of half width
}

// wordly reports whether a word may begin with a character.
func wordly(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.Pc) && !marking(r) }

// joint reports whether a character holds the parts of a name together.
func joint(r rune) bool {
	return r == '.' || r == '_' || r == ':' || r >= utf8.RuneSelf && (unicode.Is(unicode.Pc, r) || strings.ContainsRune("．：․﹒﹕︓", r))
}

// several reports whether what UAX #29 holds to be one word is several: names that
// are joined by dots, colons or low lines, but not numbers; an article before its
// apostrophe.
func several(word string) bool {
	number := '0' <= word[0] && word[0] <= '9'
	return !number && strings.ContainsFunc(word, joint) || elided(word) > 0
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
