package child

import (
	"strings"
	"unicode"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
)

// confused are the encodings, by the web's names, that chardet takes for each other:
// nearly every byte is a letter in each of them.
var confused = map[string]bool{
	"windows-1250": true, "windows-1252": true, "windows-1254": true, "windows-1256": true, "windows-1257": true,
	"iso-8859-2": true, "iso-8859-6": true, "iso-8859-9": true, "iso-8859-13": true, "macintosh": true,
}

// tongues are languages by their letters beyond a to z, with the encodings that
// they were written in. The first of those that fit equally well is taken, so what
// could be anything is Western.
var tongues = []struct {
	letters   string
	encodings []encoding.Encoding
}{
	{"äöüß", western},                // German
	{"àâæçéèêëîïôœùûüÿ", western},    // French
	{"áéíñóúüºª", western},           // Spanish
	{"àáâãçéêíóôõúº", western},       // Portuguese
	{"àèéìíîòóù", western},           // Italian
	{"æøåéòóô", western},             // Danish, Norwegian
	{"åäöé", western},                // Swedish, Finnish
	{"áéëïíóöüè", western},           // Dutch
	{"áðéíóúýþæö", western},          // Icelandic
	{"ąćęłńóśźż", central},           // Polish
	{"áčďéěíňóřšťúůýž", central},     // Czech
	{"áäčďéíĺľňóôŕšťúýž", central},   // Slovak
	{"áéíóöőúüű", central},           // Hungarian
	{"ăâîşţ", central},               // Romanian
	{"čćđšž", central},               // Croatian, Slovene
	{"çğıöşüâîû", turkish},           // Turkish
	{"ąčęėįšųūž", baltic},            // Lithuanian
	{"āčēģīķļņšūž", baltic},          // Latvian
	{"äõöüšž", baltic},               // Estonian
	{arabicLetters, arabicEncodings}, // Arabic
}

const arabicLetters = "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيپچژگ،؛؟ـًٌٍَُِّْ"

var (
	western         = []encoding.Encoding{charmap.Windows1252}
	central         = []encoding.Encoding{charmap.Windows1250, charmap.ISO8859_2}
	turkish         = []encoding.Encoding{charmap.Windows1254}
	baltic          = []encoding.Encoding{charmap.Windows1257, charmap.ISO8859_13}
	arabicEncodings = []encoding.Encoding{charmap.Windows1256, charmap.ISO8859_6}
)

// signs are no letters, but stand in texts of every language.
const signs = "„“”‚‘’«»‹›–—…•·°§€£©®™†\u00a0"

// byLetters returns the encoding in which head has most letters of one language and
// least of what is strange to it.
func byLetters(head []byte) encoding.Encoding {
	var best encoding.Encoding = charmap.Windows1252
	most := 0
	head = head[:min(len(head), sample)]
	for _, t := range tongues {
		for _, e := range t.encodings {
			if n := score(e, head, t.letters); n > most {
				best, most = e, n
			}
		}
	}
	return best
}

// score counts the characters of head beyond ASCII that are letters of a language
// when read in e, less those that aren't.
func score(e encoding.Encoding, head []byte, letters string) int {
	text, err := e.NewDecoder().Bytes(head)
	if err != nil {
		return 0
	}
	n := 0
	for _, c := range string(text) {
		switch {
		case c < 0x80 || strings.ContainsRune(signs, c):
		case strings.ContainsRune(letters, unicode.ToLower(c)):
			n++
		default:
			n--
		}
	}
	return n
}
