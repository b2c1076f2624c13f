package child

import (
	"bytes"
	"io"
	letters "unicode"
	"unicode/utf8"

	"github.com/wlynxg/chardet"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// doubt is how many bytes of a text are looked at to find out its encoding.
const doubt = 64 << 10

// marks are the byte order marks; a longer one stands before its beginning.
var marks = []struct {
	mark     string
	encoding encoding.Encoding
}{
	{"\xef\xbb\xbf", unicode.UTF8BOM},
	{"\xff\xfe\x00\x00", utf32.UTF32(utf32.LittleEndian, utf32.ExpectBOM)},
	{"\x00\x00\xfe\xff", utf32.UTF32(utf32.BigEndian, utf32.ExpectBOM)},
	{"\xff\xfe", unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)},
	{"\xfe\xff", unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM)},
}

// encodingOf finds out the encoding of a text: by its mark, by what only UTF-8,
// UTF-16 or UTF-32 look like, else by the letters that languages use.
func encodingOf(src source) (encoding.Encoding, error) {
	head := make([]byte, min(src.size, doubt))
	if _, err := io.ReadFull(src.reader(), head); err != nil {
		return nil, err
	}
	for _, m := range marks {
		if bytes.HasPrefix(head, []byte(m.mark)) {
			return m.encoding, nil
		}
	}
	if e := wide(head[:min(len(head), sample)]); e != nil {
		return e, nil
	}
	if isISO2022JP(head) {
		return japanese.ISO2022JP, nil
	}
	if isUTF8(head, int64(len(head)) < src.size) {
		return unicode.UTF8, nil
	}
	return guess(head), nil
}

// isUTF8 says whether head is UTF-8, but for a character that its end cuts.
func isUTF8(head []byte, cut bool) bool {
	for i := 0; cut && i < utf8.UTFMax && len(head) > 0; i++ {
		if r, _ := utf8.DecodeLastRune(head); r != utf8.RuneError {
			break
		}
		head = head[:len(head)-1]
	}
	return utf8.Valid(head)
}

// isISO2022JP says whether head is Japanese as mail has it: of seven bits, with
// marks where another set of characters begins.
func isISO2022JP(head []byte) bool {
	return (bytes.Contains(head, []byte("\x1b$B")) || bytes.Contains(head, []byte("\x1b$@"))) &&
		!bytes.ContainsFunc(head, func(c rune) bool { return c > 0x7f })
}

// guess tells one of the older encodings from another.
func guess(head []byte) encoding.Encoding {
	for _, r := range chardet.DetectAll(head) {
		e, err := htmlindex.Get(alias(r.Encoding))
		if err != nil || !fits(e, head) {
			continue
		}
		if name, err := htmlindex.Name(e); err == nil && confused[name] {
			break
		}
		return e
	}
	return byLetters(head)
}

// alias returns the name that the web has for one of chardet's. GB 18030 has all of
// GB 2312 and more.
func alias(name string) string {
	switch name {
	case "GB2312", "HZ-GB-2312":
		return "gb18030"
	case "CP949", "Johab":
		return "euc-kr"
	case "CP932":
		return "shift_jis"
	}
	return name
}

// fits says whether head makes sense in e.
func fits(e encoding.Encoding, head []byte) bool {
	text, err := e.NewDecoder().Bytes(head)
	return err == nil && bytes.Count(text, []byte("\ufffd")) <= len(text)/maxDoubt/4
}

// wide recognizes UTF-16 and UTF-32 without a mark, by where their zeros are: most
// texts, also those of the East, have line ends and spaces.
func wide(head []byte) encoding.Encoding {
	n := len(head) &^ 3
	if n < 8 {
		return nil
	}
	var zeros [4]int
	for i, c := range head[:n] {
		if c == 0 {
			zeros[i%4]++
		}
	}
	for _, e := range byZeros(zeros, n/4) {
		if isProse(e, head[:n]) {
			return e
		}
	}
	return nil
}

// byZeros returns what a text may be with so many zeros at each place of four bytes.
func byZeros(zeros [4]int, most int) []encoding.Encoding {
	big, little := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	even, odd := zeros[0]+zeros[2], zeros[1]+zeros[3]
	switch {
	case zeros[0] == most && zeros[1] > most/2:
		return []encoding.Encoding{utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)}
	case zeros[3] == most && zeros[2] > most/2:
		return []encoding.Encoding{utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)}
	case even+odd < 2:
		return nil
	case even > odd:
		return []encoding.Encoding{big, little}
	}
	return []encoding.Encoding{little, big}
}

// isProse says whether head has only characters of texts in e, but for one at its
// end that is cut.
func isProse(e encoding.Encoding, head []byte) bool {
	text, err := e.NewDecoder().Bytes(head)
	return err == nil && !bytes.ContainsFunc(bytes.TrimSuffix(text, []byte("\ufffd")), func(c rune) bool {
		return c == utf8.RuneError || !letters.IsGraphic(c) && !letters.IsSpace(c) && !letters.Is(letters.Cf, c)
	})
}
