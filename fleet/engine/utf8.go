package engine

import (
	"strings"
	"unicode/utf8"
)

// An engine may cut a character's bytes apart and send them in two events. A JSON
// decoder would make a replacement character of each half. So bytes that are no
// UTF-8 are hidden from it, as runes of a plane that no text uses, and what comes
// out is put together again.

// hidden is the rune that stands for byte 0.
const hidden = 0x10FF00

// hide replaces what is no UTF-8; a valid text stays as it is.
func hide(data string) string {
	if utf8.ValidString(data) {
		return data
	}
	var b strings.Builder
	for i, r := range data {
		if _, size := utf8.DecodeRuneInString(data[i:]); r == utf8.RuneError && size == 1 {
			b.WriteRune(hidden + rune(data[i]))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// mender gives out whole characters.
type mender struct{ rest string } // the beginning of a character

// mend returns what is whole of the rest and text, without NUL. What can't become
// UTF-8 any more turns into replacement characters.
func (m *mender) mend(text string) string {
	text = m.rest + show(text)
	whole := len(text)
	for back := 1; back <= min(utf8.UTFMax-1, len(text)); back++ {
		if at := len(text) - back; utf8.RuneStart(text[at]) {
			if !utf8.FullRuneInString(text[at:]) {
				whole = at
			}
			break
		}
	}
	text, m.rest = text[:whole], text[whole:]
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
}

// end returns what is left of a character that was never completed.
func (m *mender) end() string {
	if m.rest == "" {
		return ""
	}
	m.rest = ""
	return "\uFFFD"
}

// clean mends a text that stands alone.
func clean(text string) string {
	var m mender
	return m.mend(text) + m.end()
}

// show undoes hide.
func show(text string) string {
	if !strings.ContainsFunc(text, isHidden) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if isHidden(r) {
			b.WriteByte(byte(r - hidden))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isHidden(r rune) bool { return r >= hidden && r < hidden+256 }
