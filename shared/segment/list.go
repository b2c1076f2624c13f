package segment

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/oklog/ulid/v2"

	"parley/shared/search"
)

var errList = errors.New("a list of documents is cut off or out of order")

// A word's list begins with three numbers, varints: how many documents have the word,
// doubled, and one more if it has places; how many bytes follow; and of a long list
// with places how many bytes of these follow behind them. Then, in bits (bits.go):
//
//	docs    for each document how many lie between it and the one before, then, of a
//	        word with places, how often the document has it
//	places  for each document the first place, then how many words lie between two
//
// What these are like on average follows from what is known: how many documents there
// are, and how long they are. A short list has each document's places behind it, so
// that it is read at once.

// short is below how many documents a list is short.
const short = 16

// gap and spread are the bits that differences of documents and places take, less the
// part that tells how much more it is.
func gap(docs, count int) int      { return restOf(docs / max(1, count)) }
func spread(length, times int) int { return restOf(length / (times + 1)) }

// list walks the documents that have a word.
type list struct {
	count   int
	left    int // of these
	lengths []byte
	gap     int
	placed  bool // the word has places
	wanted  bool // and they are asked for
	docs    *bitReader
	places  *bitReader // the same of a short list; nil if they aren't read
	doc     int
	here    []int
}

// Count implements search.Postings.
func (l *list) Count() int { return l.count }

// Next implements search.Postings.
func (l *list) Next(from int) (search.Posting, bool, error) {
	for l.left > 0 {
		times, ok := l.step()
		if !ok {
			return search.Posting{}, false, search.ErrCorrupt.Because(errList)
		}
		if l.doc < from {
			continue
		}
		p := search.Posting{Doc: l.doc, Times: times, Length: length(l.lengths, l.doc)}
		if l.wanted {
			p.Places = l.here
		}
		return p, true, nil
	}
	return search.Posting{}, false, nil
}

// step moves to the next document and returns how often it has the word.
func (l *list) step() (times int, ok bool) {
	l.left--
	if l.doc += int(l.docs.rice(l.gap)) + 1; 2*l.doc >= len(l.lengths) {
		return 0, false
	}
	times = 1
	if l.placed {
		times = int(l.docs.gamma())
	}
	if l.places == nil {
		return times, !l.docs.past()
	}
	l.here = l.places.places(l.here[:0], times, spread(length(l.lengths, l.doc), times))
	return times, !l.places.past() && !l.docs.past()
}

// take reads a varint.
func take(b *[]byte) (uint64, error) {
	v, n := binary.Uvarint(*b)
	if n <= 0 || v > math.MaxInt32*4 {
		return 0, errList
	}
	*b = (*b)[n:]
	return v, nil
}

// packing is a list that is written.
type packing struct {
	count   int
	gap     int
	placed  bool
	last    int // document
	head    []byte
	docs    bitWriter
	places  bitWriter
	lengths []int
}

// begin begins a list of so many documents.
func (p *packing) begin(count int, placed bool) {
	p.count, p.placed, p.gap, p.last = count, placed, gap(len(p.lengths), count), -1
	p.docs, p.places = bitWriter{b: p.docs.b[:0]}, bitWriter{b: p.places.b[:0]}
}

// add adds a document behind those that are there.
func (p *packing) add(doc int, places []int) {
	p.docs.rice(uint64(doc-p.last-1), p.gap)
	p.last = doc
	if !p.placed {
		return
	}
	p.docs.gamma(uint64(len(places)))
	to := &p.places
	if p.count < short {
		to = &p.docs
	}
	rest, before := spread(min(p.lengths[doc], math.MaxUint16), len(places)), -1
	for _, place := range places {
		to.rice(uint64(place-before-1), rest)
		before = place
	}
}

// end returns the list's parts.
func (p *packing) end() [3][]byte {
	p.docs.end()
	p.places.end()
	kind := uint64(p.count) << 1
	if p.placed {
		kind++
	}
	p.head = binary.AppendUvarint(p.head[:0], kind)
	p.head = binary.AppendUvarint(p.head, uint64(len(p.docs.b)))
	if p.placed && p.count >= short {
		p.head = binary.AppendUvarint(p.head, uint64(len(p.places.b)))
	}
	return [3][]byte{p.head, p.docs.b, p.places.b}
}

// gathering is a list that grows while texts are read: for each place how many
// documents further it is, and how many words further there. All are varints.
type gathering struct {
	count      int // documents
	doc, place int
	placed     bool
	b          []byte
}

// note adds a document behind those that were noted.
func (g *gathering) note(doc int) {
	if g.count == 0 || g.doc != doc {
		g.count++
		g.place = 0
	}
	g.b = binary.AppendUvarint(g.b, uint64(doc-g.doc))
	g.doc = doc
}

// noteAt adds a place behind those that were noted.
func (g *gathering) noteAt(doc, place int) {
	g.note(doc)
	g.b = binary.AppendUvarint(g.b, uint64(place-g.place))
	g.place, g.placed = place, true
}

// pack writes the list.
func (g *gathering) pack(to *packing) {
	to.begin(g.count, g.placed)
	doc, place, first := 0, 0, true
	var here []int
	for b := g.b; len(b) > 0; {
		further, n := binary.Uvarint(b)
		b = b[n:]
		if further > 0 && !first {
			to.add(doc, here)
			here, place = here[:0], 0
		}
		doc, first = doc+int(further), false
		if g.placed {
			further, n = binary.Uvarint(b)
			b = b[n:]
			place += int(further)
			here = append(here, place)
		}
	}
	to.add(doc, here)
}

// How a document's message is written.
const (
	spelt = iota // 16 bytes
	next         // the id directly after that of the document before: a reply
	same         // that of the document before
)

// encodeDocs packs a part's documents: their chats once each, then for every document
// which one of these, its kind, and its message.
func encodeDocs(docs []search.Doc) []byte {
	chats := map[string]int{}
	var names, rest []byte
	before := ulid.ULID{}
	for _, d := range docs {
		at, known := chats[d.Chat]
		if !known {
			at = len(chats)
			chats[d.Chat] = at
			name := ulid.MustParse(d.Chat)
			names = append(names, name[:]...)
		}
		message := ulid.MustParse(d.Message)
		how := spelt
		switch message {
		case before:
			how = same
		case following(before):
			how = next
		}
		rest = binary.AppendUvarint(rest, uint64(at)<<4|uint64(d.Kind)<<2|uint64(how))
		if how == spelt {
			rest = append(rest, message[:]...)
		}
		before = message
	}
	return append(append(binary.AppendUvarint(nil, uint64(len(chats))), names...), rest...)
}

var errDocs = errors.New("the names of documents are cut off or impossible")

// decodeDocs reads what encodeDocs wrote.
func decodeDocs(b []byte) (docs []search.Doc, err error) {
	n, err := take(&b)
	if err != nil || n > perPart || int(n)*16 > len(b) {
		return nil, errDocs
	}
	chats := make([]string, n)
	for i := range chats {
		chats[i] = ulid.ULID(b[:16]).String()
		b = b[16:]
	}
	before := ulid.ULID{}
	for len(b) > 0 {
		v, err := take(&b)
		if err != nil || v>>4 >= n || len(docs) == perPart {
			return nil, errDocs
		}
		switch v & 3 {
		case spelt:
			if len(b) < 16 {
				return nil, errDocs
			}
			before, b = ulid.ULID(b[:16]), b[16:]
		case next:
			before = following(before)
		case same:
		default:
			return nil, errDocs
		}
		docs = append(docs, search.Doc{Chat: chats[v>>4], Kind: search.Kind(v >> 2 & 3), Message: before.String()})
	}
	return docs, nil
}

// following returns the id directly after another, as package id has it.
func following(u ulid.ULID) ulid.ULID {
	for i := len(u) - 1; i >= 6; i-- {
		if u[i]++; u[i] != 0 {
			break
		}
	}
	return u
}
