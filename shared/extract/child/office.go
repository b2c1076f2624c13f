package child

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strings"
)

// relation is a link of one part of an Office file to another one.
type relation struct{ kind, target string }

// relations returns where a part of an Office file leads, by id. The part with the
// empty name is the file as a whole.
func (p *pack) relations(name string) (map[string]relation, error) {
	dir, base := path.Split(name)
	all := map[string]relation{}
	err := p.walk(dir+"_rels/"+base+".rels", func(t xml.Token) error {
		if e, ok := t.(xml.StartElement); ok && e.Name.Local == "Relationship" && attr(e, "TargetMode") != "External" {
			target := attr(e, "Target")
			if !strings.HasPrefix(target, "/") {
				target = path.Join(dir, target)
			}
			all[attr(e, "Id")] = relation{path.Base(attr(e, "Type")), strings.TrimPrefix(target, "/")}
		}
		return nil
	})
	return all, err
}

// related returns the target of the one relation of that kind, or an empty string.
func related(all map[string]relation, kind string) string {
	for _, r := range all {
		if r.kind == kind {
			return r.target
		}
	}
	return ""
}

const office = "application/vnd.openxmlformats-officedocument."

// archive tells what a ZIP is, by what is in it.
func archive(src source) kind {
	p, err := openPack(src)
	if err != nil {
		return kind{zipType, refuse(err)}
	}
	if r, err := p.open("mimetype"); err == nil {
		defer r.Close()
		name, _ := io.ReadAll(io.LimitReader(r, 100))
		return openDocument(p, strings.TrimSpace(string(name)))
	}
	rels, err := p.relations("")
	main := related(rels, "officeDocument")
	dir, _, _ := strings.Cut(main, "/")
	switch {
	case errors.Is(err, errAbsent) || main == "":
		return kind{zipType, refuse(errUnsupported)}
	case err != nil:
		return kind{zipType, refuse(err)}
	case dir == "word":
		return kind{office + "wordprocessingml.document", func(context.Context, source) (Answer, error) { return readWord(p, main) }}
	case dir == "ppt":
		return kind{office + "presentationml.presentation", func(context.Context, source) (Answer, error) { return readSlides(p, main) }}
	case dir == "xl":
		return kind{office + "spreadsheetml.sheet", readSheets}
	}
	return kind{zipType, refuse(errUnsupported)}
}

// openDocument tells what a ZIP is that says its type itself.
func openDocument(p *pack, name string) kind {
	switch name {
	case "application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.presentation":
		return kind{name, func(context.Context, source) (Answer, error) { return readOpenDocument(p) }}
	case "application/epub+zip":
		return kind{name, func(context.Context, source) (Answer, error) { return readBook(p) }}
	case "application/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.graphics":
		return kind{name, refuse(errUnsupported)}
	}
	return kind{zipType, refuse(errUnsupported)}
}
