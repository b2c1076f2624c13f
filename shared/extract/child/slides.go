package child

import (
	"encoding/xml"
	"errors"
	"strings"
)

// readSlides reads a presentation of PowerPoint: a page for each slide, in their
// order.
func readSlides(p *pack, main string) (Answer, error) {
	rels, err := p.relations(main)
	if err != nil {
		return Answer{}, err
	}
	var order []string
	err = p.walk(main, func(t xml.Token) error {
		if e, ok := t.(xml.StartElement); ok && e.Name.Local == "sldId" {
			order = append(order, rels[relationID(e)].target)
		}
		return nil
	})
	if err != nil {
		return Answer{}, err
	}
	var b book
	for i, name := range order {
		text, err := p.slide(name)
		if err != nil {
			return Answer{}, err
		}
		if !b.add(i+1, text) {
			break
		}
	}
	return b.answer(len(order)), nil
}

// relationID returns the id of the part that an element stands for; it has an id of
// its own, too, in no namespace.
func relationID(e xml.StartElement) string {
	for _, a := range e.Attr {
		if a.Name.Local == "id" && strings.HasSuffix(a.Name.Space, "/relationships") {
			return a.Value
		}
	}
	return ""
}

func (p *pack) slide(name string) (string, error) {
	var w writer
	inText := false
	err := p.walk(name, func(t xml.Token) error {
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "t":
				inText = true
			case "br":
				w.end(false)
			case "tbl":
				w.table()
			}
		case xml.CharData:
			if inText {
				w.text(string(t))
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "t":
				inText = false
			case "p":
				w.end(false)
			case "tc":
				w.cell()
			case "tr":
				w.flush(false)
			case "tbl":
				w.close()
			}
		}
		return w.full()
	})
	if errors.Is(err, errFull) {
		err = nil
	}
	w.flush(false)
	return tidied(w.done.String()), err
}
