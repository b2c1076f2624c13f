package child

import (
	"bytes"
	"io"
	letters "unicode"
	"unicode/utf8"

	"github.com/wlynxg/chardet"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
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
	if e := wide(head); e != nil {
		return e, nil
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

// guess tells one of the older encodings from another. What is none of them, or
// can't be told, is what a Western program would have written.
func guess(head []byte) encoding.Encoding {
	for _, r := range chardet.DetectAll(head) {
		if e, err := htmlindex.Get(alias(r.Encoding)); err == nil && fits(e, head) {
			return e
		}
	}
	return charmap.Windows1252
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
	e := byZeros(zeros, n/4)
	if e == nil || !isProse(e, head[:n]) {
		return nil
	}
	return e
}

// byZeros tells them apart by how many zeros stand at each place of four bytes.
func byZeros(zeros [4]int, most int) encoding.Encoding {
	even, odd := zeros[0]+zeros[2], zeros[1]+zeros[3]
	switch {
	case zeros[0] == most && zeros[1] > most/2 && zeros[3] == 0:
		return utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)
	case zeros[3] == most && zeros[2] > most/2 && zeros[0] == 0:
		return utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)
	case odd == 0 && even > most/25 && even > 1:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	case even == 0 && odd > most/25 && odd > 1:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	}
	return nil
}

// isProse says whether head has only characters of texts in e.
func isProse(e encoding.Encoding, head []byte) bool {
	text, err := e.NewDecoder().Bytes(head)
	return err == nil && !bytes.ContainsFunc(text, func(c rune) bool {
		return c == utf8.RuneError || isBinary(c) || !letters.IsGraphic(c) && !letters.IsSpace(c) && !letters.Is(letters.Cf, c)
	})
}
