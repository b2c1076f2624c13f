package words

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// longest is the length of a word in bytes beyond which only its beginning counts.
const longest = 64

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

// plain takes off letter case, width and what can't be seen, but leaves accents: by
// them stemmers tell endings apart.
func plain(s string) string {
	if s = strings.Trim(s[:cut(s)], "_"); ascii(s) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	for _, r := range norm.NFKC.String(s) {
		switch {
		case unseen(r):
		case r == '’' || r == 'ʼ':
			b.WriteByte('\'')
		case r == 'ß' || r == 'ẞ':
			b.WriteString("ss")
		case r == 'ँ': // Hindi is written with either
			b.WriteRune('ं')
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return norm.NFC.String(b.String())
}

// unseen reports whether a character shows nothing: soft hyphens, joiners, marks of
// direction, selectors of a look, spaces that hold a number together, broken bytes.
// Of the dot below, which sets off borrowed sounds, Hindi is written with and without.
func unseen(r rune) bool {
	return r == ' ' || r == '़' || 0xFE00 <= r && r <= 0xFE0F || r == utf8.RuneError || unicode.Is(unicode.Cf, r)
}

// unaccented takes accents off what plain returned. Marks that a script spells with,
// such as vowels in Hindi, stay.
func unaccented(s string) string {
	if ascii(s) {
		return s
	}
	var b strings.Builder
	last := rune(0)
	for _, r := range norm.NFKD.String(s) {
		if !accent(r) || r == breve && last == 'и' { // й is a letter of its own
			b.WriteRune(r)
		}
		last = r
	}
	return norm.NFC.String(b.String())
}

const breve = 0x306

// accent reports whether a character is a mark that people leave out: accents of
// Latin, Greek and Cyrillic letters, vowel points of Hebrew and Arabic.
func accent(r rune) bool {
	switch {
	case r < 0x300:
		return false
	case r < 0x370:
		return true
	case r < 0x590:
		return false
	case r < 0x680:
		return unicode.Is(unicode.Mn, r) || r == 0x640
	}
	return false
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
