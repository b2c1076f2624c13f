package child

import (
	"context"
	"io"
	"strings"

	"golang.org/x/text/transform"
)

// readText reads a text in whatever encoding it is.
func readText(_ context.Context, src source) (Answer, error) {
	text, full, err := decode(src)
	if err != nil {
		return Answer{}, err
	}
	b := book{full: full}
	b.add(0, text)
	return b.answer(0), nil
}

// maxDoubt is the share of characters, one in so many, that may be none in the
// encoding that a text seems to have.
const maxDoubt = 20

// decode returns the text of src as UTF-8 with plain line ends, up to MaxText bytes,
// and whether there is more.
func decode(src source) (text string, more bool, err error) {
	enc, err := encodingOf(src)
	if err != nil {
		return "", false, err
	}
	var b strings.Builder
	b.Grow(int(min(src.size+1, MaxText)))
	in := transform.NewReader(src.reader(), transform.Chain(enc.NewDecoder(), &tidy{}))
	if _, err := io.CopyN(&b, in, MaxText+1); err != nil && err != io.EOF {
		return "", false, err
	}
	text = b.String()
	if strings.Count(text, "\ufffd") > len(text)/maxDoubt {
		return "", false, errUnsupported
	}
	return cut(text, min(len(text), MaxText)), len(text) > MaxText, nil
}

// tidied is text as tidy makes it, and UTF-8.
func tidied(text string) string {
	text, _, err := transform.String(&tidy{}, strings.ToValidUTF8(text, "\ufffd"))
	if err != nil { // tidy fails only for want of room, and String gives it more
		return ""
	}
	return text
}

// lines counts the lines of a text; the last one needs no end.
func lines(text string) int {
	n := strings.Count(text, "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		n++
	}
	return n
}

// tidy makes every line end a line feed and drops the control characters that no
// text has, form feeds with them. Its input is UTF-8; it never has to look back further than one byte.
type tidy struct{ afterCR bool }

// Reset implements transform.Transformer.
func (t *tidy) Reset() { t.afterCR = false }

// Transform implements transform.Transformer.
func (t *tidy) Transform(dst, src []byte, _ bool) (nDst, nSrc int, err error) {
	for _, c := range src {
		if nDst == len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		nSrc++
		skip := c == '\n' && t.afterCR || isBinary(rune(c)) || c == 0x1b || c == '\v' || c == '\f' || c == 0x7f
		if t.afterCR = c == '\r'; skip {
			continue
		}
		if c == '\r' {
			c = '\n'
		}
		dst[nDst] = c
		nDst++
	}
	return nDst, nSrc, nil
}
