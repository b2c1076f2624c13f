package child

import (
	"encoding/xml"
	"errors"
	"strconv"
	"strings"
)

// readWord reads a document of Word: paragraphs, headings, lists, tables and
// footnotes. It has pages where Word noted down where they began when it was saved.
func readWord(p *pack, main string) (Answer, error) {
	rels, err := p.relations(main)
	if err != nil && !errors.Is(err, errAbsent) {
		return Answer{}, err
	}
	levels, err := p.levels(related(rels, "styles"))
	if err != nil {
		return Answer{}, err
	}
	doc := word{levels: levels}
	if err := p.walk(main, doc.token); err != nil && !errors.Is(err, errFull) {
		return Answer{}, err
	}
	for _, kind := range []string{"footnotes", "endnotes"} {
		doc.flush(true)
		doc.notes = kind
		err := p.walk(related(rels, kind), doc.token)
		if err != nil && !errors.Is(err, errFull) && !errors.Is(err, errAbsent) {
			return Answer{}, err
		}
	}
	return doc.answer(), nil
}

// levels returns the level of each style that is one of headings.
func (p *pack) levels(name string) (map[string]int, error) {
	levels, style := map[string]int{}, ""
	err := p.walk(name, func(t xml.Token) error {
		e, ok := t.(xml.StartElement)
		switch {
		case !ok:
		case e.Name.Local == "style":
			style = attr(e, "styleId")
		case e.Name.Local == "name":
			rest, ok := strings.CutPrefix(strings.ToLower(attr(e, "val")), "heading ")
			if n, err := strconv.Atoi(rest); ok && err == nil && n >= 1 && n <= 6 {
				levels[style] = n
			}
		}
		return nil
	})
	if errors.Is(err, errAbsent) {
		err = nil
	}
	return levels, err
}

// word is how far the reading of a Word document is.
type word struct {
	writer
	levels map[string]int // of headings, by style
	notes  string         // the kind of notes that are read, or empty
	skip   int            // elements that are open whose text isn't read
	inText bool           // an element is open that has text
	spoke  bool           // the paragraph has text, and not only a mark before it
}

// unread are elements whose text is somewhere else already, or no part of the text.
var unread = map[string]bool{"Fallback": true, "del": true, "moveFrom": true, "instrText": true, "delText": true}

func (d *word) token(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		if d.skip > 0 || unread[t.Name.Local] {
			d.skip++
			return nil
		}
		d.begin(t)
	case xml.EndElement:
		if d.skip > 0 {
			d.skip--
			return nil
		}
		d.finish(t.Name.Local)
	case xml.CharData:
		if d.inText {
			d.text(string(t))
			d.spoke = true
		}
	}
	return d.full()
}

func (d *word) begin(e xml.StartElement) {
	switch e.Name.Local {
	case "p":
		d.spoke = false
	case "t":
		d.inText = true
	case "tab":
		d.text("\t")
	case "br", "cr":
		d.end(false)
	case "lastRenderedPageBreak":
		if d.notes == "" && d.tables == 0 {
			d.turn()
		}
	case "pStyle":
		if level := d.levels[attr(e, "val")]; level > 0 && len(d.line) == 0 {
			d.text(strings.Repeat("#", level) + " ")
		}
	case "numPr":
		if len(d.line) == 0 {
			d.text("- ")
		}
	case "tbl":
		d.table()
	case "footnoteReference", "endnoteReference":
		d.text("[^" + attr(e, "id") + "]")
	case "footnote", "endnote":
		// Word keeps the lines that part notes from text as notes of a type.
		if attr(e, "type") != "" {
			d.skip = 1
			return
		}
		d.text("[^" + attr(e, "id") + "]: ")
	}
}

// turn ends a page. A mark that begins a paragraph goes with its text.
func (d *word) turn() {
	mark := ""
	if !d.spoke {
		mark = string(d.line)
		d.line = d.line[:0]
	}
	d.page()
	d.text(mark)
}

func (d *word) finish(name string) {
	switch name {
	case "t":
		d.inText = false
	case "p":
		d.end(true)
	case "tc":
		d.cell()
	case "tr":
		d.flush(false)
	case "tbl":
		d.close()
	}
}
