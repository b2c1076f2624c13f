package child

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// kind is what a file is, by its content, and how such files are read.
type kind struct {
	contentType string
	read        func(context.Context, source) (Answer, error)
}

// sample is how many bytes of a file's beginning tell what it is.
const sample = 4 << 10

const (
	unknownType  = "application/octet-stream"
	plainType    = "text/plain"
	htmlType     = "text/html"
	markdownType = "text/markdown"
	pdfType      = "application/pdf"
	zipType      = "application/zip"
	oleType      = "application/x-ole-storage"
)

// identify looks at how src begins. Its name and stated type count only for text,
// where they say which text it is.
func identify(src source) (kind, error) {
	head := make([]byte, min(src.size, sample))
	if _, err := io.ReadFull(src.reader(), head); err != nil {
		return kind{}, err
	}
	if len(head) == 0 {
		return kind{unknownType, refuse(errEmpty)}, nil
	}
	found := mimetype.Detect(head)
	switch is := bare(found.String()); {
	case is == pdfType && isPDF(head):
		return kind{pdfType, readPDF}, nil
	case found.Is(zipType) || under(found, zipType):
		return archive(src), nil
	case is == pdfType || under(found, plainType), is == unknownType && wide(head) != nil:
		return textKind(src.Job, found), nil
	case isPicture[is]:
		return kind{is, readPicture}, nil
	case under(found, oleType):
		return kind{is, readOLE}, nil
	default:
		return kind{is, refuse(errUnsupported)}, nil
	}
}

// refuse is how files are read that can't be.
func refuse(why error) func(context.Context, source) (Answer, error) {
	return func(context.Context, source) (Answer, error) { return Answer{}, why }
}

// bare returns a content type without its parameters.
func bare(contentType string) string {
	bare, _, _ := strings.Cut(contentType, ";")
	return strings.TrimSpace(bare)
}

// under says whether found is a sort of the type of that name.
func under(found *mimetype.MIME, name string) bool {
	for m := found; m != nil; m = m.Parent() {
		if m.Is(name) {
			return true
		}
	}
	return false
}

// isPDF says whether a file is a PDF and not a text that mentions one: readers of
// PDF take any beginning, ours wants the mark first or bytes that no text has.
func isPDF(head []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(head, "\ufeff\x00\t\n\f\r "), []byte("%PDF-")) || bytes.ContainsFunc(head, isBinary)
}

// isBinary says whether no text has c. Escape is part of some encodings.
func isBinary(c rune) bool {
	return c < ' ' && c != '\t' && c != '\n' && c != '\v' && c != '\f' && c != '\r' && c != 0x1b
}

// byName are the texts that are told apart by the end of their names.
var byName = map[string]string{
	".md": markdownType, ".markdown": markdownType,
	".csv": "text/csv", ".tsv": "text/tab-separated-values", ".tab": "text/tab-separated-values",
	".html": htmlType, ".htm": htmlType, ".xhtml": htmlType,
}

// byContent are the texts that are told apart by how they begin.
var byContent = map[string]string{
	"application/json": "application/json", "application/x-ndjson": "application/x-ndjson",
	"image/svg+xml": "image/svg+xml", "text/xml": "text/xml", "text/rtf": "text/rtf",
	htmlType: htmlType, "application/xhtml+xml": htmlType,
}

// textKind tells which text a text is. What looks like HTML and is called
// otherwise is a template, a program or a Markdown file that begins with a tag.
func textKind(job Job, found *mimetype.MIME) kind {
	end := strings.ToLower(filepath.Ext(job.Name))
	is := byContent[bare(found.String())]
	by := byName[end]
	if end == "" && stated[bare(job.Declared)] {
		by = bare(job.Declared)
	}
	if by != "" {
		is = by
	}
	switch {
	case is == "text/rtf":
		return kind{is, refuse(errUnsupported)}
	case is == htmlType && (by == htmlType || end == "" || !known(end)):
		return kind{htmlType, readHTML}
	case is == "" || is == htmlType:
		is = plainType
	}
	return kind{is, readText}
}

// stated are the types that are taken from a sender's word where a text has a name
// without an end.
var stated = map[string]bool{htmlType: true, markdownType: true, "text/csv": true, "text/tab-separated-values": true}

// known says whether a name's end is that of some text that isn't HTML.
func known(end string) bool { return strings.Contains(otherTexts, end+" ") }

const otherTexts = ".txt .text .log .php .vue .svelte .jsx .tsx .js .ts .erb .ejs .hbs .tmpl .gohtml .jinja .j2 .xml .xsl .rst .adoc .org .tex .astro .mdx .jsp .asp .aspx .cshtml .twig .liquid "
