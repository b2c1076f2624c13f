package child

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"

	"golang.org/x/net/html/charset"
)

// Bounds of what is unpacked of one file.
const (
	maxEntries  = 20_000    // files in a ZIP
	maxUnpacked = 160 << 20 // bytes of all that is unpacked
	maxRatio    = 200       // of what is unpacked to what was packed,
	freeRatio   = 4 << 20   // in files of more bytes than these
	maxDepth    = 500       // of elements in XML
)

// pack is a ZIP that is unpacked with care.
type pack struct {
	files map[string]*zip.File
	left  int64 // bytes that may yet be unpacked
}

func openPack(src source) (*pack, error) {
	z, err := zip.NewReader(src.ReaderAt, src.size)
	if err != nil {
		return nil, fmt.Errorf("open the ZIP: %w", err)
	}
	if len(z.File) > maxEntries {
		return nil, fmt.Errorf("%d files in the ZIP: %w", len(z.File), errTooComplex)
	}
	p := &pack{files: make(map[string]*zip.File, len(z.File)), left: maxUnpacked}
	for _, f := range z.File {
		if _, twice := p.files[f.Name]; twice {
			return nil, fmt.Errorf("a file is twice in the ZIP")
		}
		p.files[f.Name] = f
	}
	return p, nil
}

// errAbsent says that a ZIP lacks a file.
var errAbsent = errors.New("a part of the file is missing")

// open unpacks a file of p. It fails with errTooComplex, at once or while it is read,
// where its size is out of proportion. Package zip sees to it that it is no larger
// than its header says.
func (p *pack) open(name string) (io.ReadCloser, error) {
	f := p.files[name]
	if f == nil {
		return nil, fmt.Errorf("%w: %.100q", errAbsent, name)
	}
	if f.Flags&1 != 0 {
		return nil, errPassword
	}
	if f.UncompressedSize64 > freeRatio && f.UncompressedSize64/maxRatio > f.CompressedSize64 {
		return nil, errTooComplex
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	return &part{r, p}, nil
}

// part is a file of a ZIP as it is unpacked.
type part struct {
	io.ReadCloser
	pack *pack
}

// Read implements io.Reader.
func (p *part) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	p.pack.left -= int64(n)
	if p.pack.left < 0 {
		return 0, errTooComplex
	}
	return n, err
}

// measure unpacks a file of p into nothing.
func (p *pack) measure(name string) error {
	r, err := p.open(name)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err
}

// walk calls visit for every element's begin and end and every text of an XML file
// of p, until it fails. Entities that the file defines itself are errors, never
// expanded.
func (p *pack) walk(name string, visit func(xml.Token) error) error {
	r, err := p.open(name)
	if err != nil {
		return err
	}
	defer r.Close()
	d := xml.NewDecoder(r)
	d.CharsetReader = charset.NewReaderLabel
	for depth := 0; ; {
		t, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %.100q: %w", name, err)
		}
		switch t.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
		if depth > maxDepth {
			return errTooComplex
		}
		if err := visit(t); err != nil {
			return err
		}
	}
}

// attr returns the attribute of that local name, or an empty string.
func attr(e xml.StartElement, local string) string {
	for _, a := range e.Attr {
		if a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}
