package child

import (
	"encoding/xml"
	"errors"
	"net/url"
	"path"
)

// readBook reads an EPUB: a page for each of the files that it consists of, which
// are chapters mostly.
func readBook(p *pack) (Answer, error) {
	if p.files["META-INF/encryption.xml"] != nil && p.files["META-INF/rights.xml"] != nil {
		return Answer{}, errPassword
	}
	chapters, err := p.chapters()
	if err != nil {
		return Answer{}, err
	}
	var b book
	for i, name := range chapters {
		text, err := p.chapter(name)
		if err != nil && !errors.Is(err, errAbsent) {
			return Answer{}, err
		}
		if !b.add(i+1, text) {
			break
		}
	}
	return b.answer(len(chapters)), nil
}

// chapters returns the names of a book's files in the order of reading.
func (p *pack) chapters() ([]string, error) {
	root := ""
	err := p.walk("META-INF/container.xml", func(t xml.Token) error {
		if e, ok := t.(xml.StartElement); ok && e.Name.Local == "rootfile" && root == "" {
			root = attr(e, "full-path")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var order []string
	files := map[string]string{}
	err = p.walk(root, func(t xml.Token) error {
		e, ok := t.(xml.StartElement)
		switch {
		case ok && e.Name.Local == "item":
			if name, err := url.PathUnescape(attr(e, "href")); err == nil {
				files[attr(e, "id")] = path.Join(path.Dir(root), name)
			}
		case ok && e.Name.Local == "itemref":
			order = append(order, files[attr(e, "idref")])
		}
		return nil
	})
	return order, err
}

func (p *pack) chapter(name string) (string, error) {
	r, err := p.open(name)
	if err != nil {
		return "", err
	}
	defer r.Close()
	var w writer
	if err := w.html(r); err != nil && !errors.Is(err, errFull) {
		return "", err
	}
	return tidied(w.done.String()), nil
}
