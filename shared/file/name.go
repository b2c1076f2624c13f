package file

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// nameless is the name of a file whose sender's name for it has nothing that can
// be shown.
const nameless = "file"

// maxExtension is how many bytes of a name's end survive its shortening.
const maxExtension = 16

// CleanName makes of what a sender calls a file a name that can be shown and saved
// everywhere: without folders, control characters and marks that turn the
// direction of writing (a "gpj.exe" could pass for "exe.jpg"), in Unicode's normal
// form C, of 1 to MaxName bytes; a longer one is cut before its extension. A clean
// name stays as it is.
func CleanName(sent string) string {
	name := strings.ToValidUTF8(sent, "\uFFFD")
	if at := strings.LastIndexAny(name, `/\`); at >= 0 {
		name = name[at+1:]
	}
	name = strings.Map(visible, name)
	name = shorten(trim(norm.NFC.String(name)))
	if name == "" {
		return nameless
	}
	return name
}

// visible drops what can't be seen. What joins letters and emoji stays.
func visible(r rune) rune {
	const joiner, nonJoiner = '\u200d', '\u200c'
	switch {
	case unicode.Is(unicode.Zs, r):
		return ' '
	case r == joiner || r == nonJoiner:
		return r
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
		return -1
	}
	return r
}

// trim removes what file systems drop or hide at the ends of a name.
func trim(name string) string {
	return strings.TrimRight(strings.TrimLeft(name, " \u200c\u200d"), ". \u200c\u200d")
}

func shorten(name string) string {
	if len(name) <= MaxName {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > maxExtension {
		ext = ""
	}
	stem := name[:MaxName-len(ext)]
	for !utf8.ValidString(stem) {
		stem = stem[:len(stem)-1]
	}
	return trim(stem) + ext
}
