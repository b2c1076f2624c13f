package child

import (
	"encoding/xml"
	"errors"
	"strconv"
	"strings"
)

// readOpenDocument reads a text or a presentation of LibreOffice, the latter with a
// page for each slide.
func readOpenDocument(p *pack) (Answer, error) {
	if p.files["META-INF/manifest.xml"] != nil {
		if err := p.walk("META-INF/manifest.xml", refuseEncrypted); err != nil {
			return Answer{}, err
		}
	}
	var d open
	if err := p.walk("content.xml", d.token); err != nil && !errors.Is(err, errFull) {
		return Answer{}, err
	}
	return d.answer(), nil
}

func refuseEncrypted(t xml.Token) error {
	if e, ok := t.(xml.StartElement); ok && e.Name.Local == "encryption-data" {
		return errPassword
	}
	return nil
}

// open is how far the reading of an OpenDocument is.
type open struct {
	writer
	skip  int // elements that are open whose text isn't read
	paras int // paragraphs that are open
	pages int
}

// aside are elements of OpenDocument whose text is no part of the text.
var aside = map[string]bool{"annotation": true, "tracked-changes": true, "notes": true}

func (d *open) token(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		if d.skip > 0 || aside[t.Name.Local] {
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
		if d.skip == 0 && d.paras > 0 {
			d.flow(string(t))
		}
	}
	return d.full()
}

func (d *open) begin(e xml.StartElement) {
	switch e.Name.Local {
	case "p", "h":
		d.paras++
		if level, _ := strconv.Atoi(attr(e, "outline-level")); e.Name.Local == "h" && level >= 1 {
			d.text(strings.Repeat("#", min(level, 6)) + " ")
		}
	case "s":
		d.text(" ")
	case "tab":
		d.text("\t")
	case "line-break":
		d.end(false)
	case "list-item":
		d.end(false)
		d.text("- ")
	case "note-body":
		d.text(" [")
	case "table":
		d.table()
	case "page":
		if d.pages++; d.pages > 1 {
			d.page()
		}
	}
}

func (d *open) finish(name string) {
	switch name {
	case "p", "h":
		d.paras--
		if d.paras == 0 {
			d.end(true)
		}
	case "note-body":
		d.text("]")
	case "table-cell":
		d.cell()
	case "table-row":
		d.flush(false)
	case "table":
		d.close()
	}
}
