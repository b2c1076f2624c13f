package child

import (
	"context"
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
)

// maxToken is the longest tag or text in HTML, in bytes.
const maxToken = 32 << 20

// readHTML reads what somebody sees of an HTML page.
func readHTML(_ context.Context, src source) (Answer, error) {
	enc, err := encodingOfHTML(src)
	if err != nil {
		return Answer{}, err
	}
	var w writer
	if err := w.html(enc.NewDecoder().Reader(src.reader())); err != nil && !errors.Is(err, errFull) {
		return Answer{}, err
	}
	return w.answer(), nil
}

// encodingOfHTML takes the encoding that a page states, if it states one.
func encodingOfHTML(src source) (encoding.Encoding, error) {
	head := make([]byte, min(src.size, 1024))
	if _, err := io.ReadFull(src.reader(), head); err != nil {
		return nil, err
	}
	if e, _, certain := charset.DetermineEncoding(head, ""); certain {
		return e, nil
	}
	return encodingOf(src)
}

// hidden are elements whose text nobody sees.
var hidden = map[atom.Atom]bool{atom.Script: true, atom.Style: true, atom.Noscript: true, atom.Template: true, atom.Svg: true, atom.Iframe: true}

// blocks are elements that begin and end a line; true: with a free line around them.
var blocks = map[atom.Atom]bool{
	atom.P: true, atom.Ul: true, atom.Ol: true, atom.Dl: true, atom.Blockquote: true, atom.Figure: true,
	atom.Section: true, atom.Article: true, atom.Header: true, atom.Footer: true, atom.Main: true, atom.Nav: true,
	atom.Aside: true, atom.Form: true, atom.Fieldset: true, atom.Hr: true, atom.Details: true, atom.Body: true,
	atom.Div: false, atom.Li: false, atom.Dt: false, atom.Dd: false, atom.Br: false, atom.Option: false,
	atom.Address: false, atom.Figcaption: false, atom.Summary: false, atom.Caption: false, atom.Legend: false,
}

// headings have the mark of Markdown before them, so that it stays seen what they are.
var headings = map[atom.Atom]string{
	atom.Title: "# ", atom.H1: "# ", atom.H2: "## ", atom.H3: "### ", atom.H4: "#### ", atom.H5: "##### ", atom.H6: "###### ",
}

// reading is how far the reading of a page is.
type reading struct {
	*writer
	skip atom.Atom // the hidden element that is open, or 0
	pre  int       // elements that are open whose white space counts
}

// html writes the text of HTML. It reads tokens, not a tree: whatever is nested too
// deep, or wrongly, costs nothing.
func (w *writer) html(r io.Reader) error {
	z := html.NewTokenizer(r)
	z.SetMaxBuf(maxToken)
	page := reading{writer: w}
	for z.Next() != html.ErrorToken {
		page.token(z.Token())
		if err := w.full(); err != nil {
			return err
		}
	}
	w.flush(true)
	if err := z.Err(); err != io.EOF {
		return err
	}
	return nil
}

func (r *reading) token(t html.Token) {
	switch {
	case r.skip != 0:
		if t.Type == html.EndTagToken && t.DataAtom == r.skip {
			r.skip = 0
		}
	case t.Type == html.TextToken && r.pre > 0:
		r.text(tidied(t.Data))
	case t.Type == html.TextToken:
		r.flow(t.Data)
	case t.Type == html.StartTagToken && hidden[t.DataAtom]:
		r.skip = t.DataAtom
	case t.Type == html.StartTagToken || t.Type == html.SelfClosingTagToken:
		r.begin(t)
	case t.Type == html.EndTagToken:
		r.finish(t.DataAtom)
	}
}

func (r *reading) begin(t html.Token) {
	if gap, ok := blocks[t.DataAtom]; ok {
		r.end(gap)
	}
	if mark := headings[t.DataAtom]; mark != "" {
		r.flush(true)
		r.text(mark)
	}
	switch t.DataAtom {
	case atom.Li:
		r.text("- ")
	case atom.Pre, atom.Textarea:
		r.flush(true)
		r.pre++
	case atom.Table:
		r.table()
	case atom.Tr:
		r.flush(false)
	case atom.Img:
		r.flow(alt(t))
	}
}

func (r *reading) finish(a atom.Atom) {
	if gap, ok := blocks[a]; ok {
		r.end(gap)
	}
	if headings[a] != "" {
		r.flush(true)
	}
	switch a {
	case atom.Pre, atom.Textarea:
		r.flush(true)
		r.pre = max(0, r.pre-1)
	case atom.Table:
		r.close()
	case atom.Tr:
		r.flush(false)
	case atom.Td, atom.Th:
		r.cell()
	}
}

// alt returns what an image says to those who don't see it.
func alt(t html.Token) string {
	for _, a := range t.Attr {
		if a.Key == "alt" {
			return " " + strings.TrimSpace(a.Val) + " "
		}
	}
	return ""
}
