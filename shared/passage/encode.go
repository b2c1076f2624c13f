package passage

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Version is the version of documents that Encode writes.
const Version = 1

// Bounds of a document, for what writes one and for what reads one.
const (
	MaxText     = 8 << 20 // bytes of all passages: some two million tokens
	MaxPassages = 64 << 10
)

// maxJSON bounds what is unpacked: each byte of a text may be a \u0000 in JSON,
// but hardly any is.
const maxJSON = 2*MaxText + 64*MaxPassages

// ErrCorrupt is a document that can't be read; ErrLater one of a later release.
var (
	ErrCorrupt = errors.New("the text of this file is corrupt")
	ErrLater   = errors.New("the text of this file has the form of a later release")
)

// Of returns the document of a file of so many pages (0: it has none) whose text is
// text, as much of that as MaxText and MaxPassages let in.
func Of(pages int, text []Page) Document {
	d := Document{Version: Version, Pages: pages}
	size := 0
	for _, p := range text {
		for _, one := range Cut([]Page{p}) {
			if size += len(one.Text); size > MaxText || len(d.Passages) == MaxPassages {
				d.Truncated = true
				return d
			}
			d.Passages = append(d.Passages, one)
			d.Characters += utf8.RuneCountInString(one.Text)
		}
	}
	return d
}

// header is the first value of an encoded document.
type header struct {
	Version    int  `json:"v"`
	Pages      int  `json:"pages,omitzero"`
	Characters int  `json:"characters"`
	Truncated  bool `json:"truncated,omitzero"`
	Passages   int  `json:"passages"` // how many values follow
}

type passage struct {
	Page int    `json:"p,omitzero"`
	Line int    `json:"l"`
	Text string `json:"t"`
}

// Encode returns a document as it is kept: a line of JSON for the whole and one for
// each passage, in gzip. It refuses one that Decode would refuse.
func Encode(d Document) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	e := jsontext.NewEncoder(w)
	h := header{Version, d.Pages, d.Characters, d.Truncated, len(d.Passages)}
	err := errors.Join(h.check(), json.MarshalEncode(e, h))
	var seen extent
	for i, p := range d.Passages {
		if err == nil {
			err = errors.Join(seen.add(i, p), json.MarshalEncode(e, passage(p)))
		}
	}
	if err == nil {
		err = errors.Join(seen.check(h), w.Close())
	}
	if err == nil && e.OutputOffset() > maxJSON {
		err = fmt.Errorf("%d bytes are too many", e.OutputOffset())
	}
	if err != nil {
		return nil, fmt.Errorf("encode text: %w", err)
	}
	return out.Bytes(), nil
}

func (h header) check() error {
	if h.Version != Version || h.Pages < 0 || h.Characters < 0 || h.Passages < 0 || h.Passages > MaxPassages {
		return fmt.Errorf("impossible header %+v", h)
	}
	return nil
}

// extent adds up passages and says when they are impossible, or too much.
type extent struct{ bytes, characters int }

func (x *extent) add(i int, p Passage) error {
	x.bytes += len(p.Text)
	x.characters += utf8.RuneCountInString(p.Text)
	if p.Page < 0 || p.Line < 1 || p.Text == "" || x.bytes > MaxText {
		return fmt.Errorf("impossible passage %d: page %d, line %d, %d bytes, %d in all", i, p.Page, p.Line, len(p.Text), x.bytes)
	}
	return nil
}

func (x extent) check(h header) error {
	if x.characters != h.Characters {
		return fmt.Errorf("%d characters, not %d", x.characters, h.Characters)
	}
	return nil
}

// Decode reads what Encode wrote. Whatever it gets, it takes no more memory than a
// few times MaxText. ErrCorrupt, ErrLater.
func Decode(b []byte) (Document, error) {
	unpacked, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return Document{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	in := &io.LimitedReader{R: unpacked, N: maxJSON + 1}
	decoder := jsontext.NewDecoder(in)
	h, err := decodeHeader(decoder)
	if errors.Is(err, ErrLater) {
		return Document{}, err
	}
	d := Document{Version: h.Version, Pages: h.Pages, Characters: h.Characters, Truncated: h.Truncated}
	if err == nil {
		d.Passages, err = decodePassages(decoder, h)
	}
	if err != nil {
		return Document{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return d, nil
}

func decodeHeader(d *jsontext.Decoder) (h header, err error) {
	raw, err := d.ReadValue()
	if err != nil {
		return h, err
	}
	var any struct {
		Version int `json:"v"`
	}
	if err := json.Unmarshal(raw, &any); err == nil && any.Version > Version {
		return h, fmt.Errorf("%w: %d", ErrLater, any.Version)
	}
	if err = json.Unmarshal(raw, &h, json.RejectUnknownMembers(true)); err == nil {
		err = h.check()
	}
	return h, err
}

func decodePassages(d *jsontext.Decoder, h header) (all []Passage, err error) {
	var seen extent
	for i := range h.Passages {
		var p passage
		if err := json.UnmarshalDecode(d, &p, json.RejectUnknownMembers(true)); err != nil {
			return nil, err
		}
		if err := seen.add(i, Passage(p)); err != nil {
			return nil, err
		}
		all = append(all, Passage(p))
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than was announced")
	}
	return all, seen.check(h)
}
