package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/oklog/ulid/v2"

	"parley/shared/search"
)

var errList = errors.New("a list of documents is cut off or out of order")

// list walks the documents that have a word, as they are kept:
//
//	docs    for each the difference to the one before, less one, doubled, and one more
//	        if it has the word once; else how often, less two
//	places  for each document the first place, then differences
//
// All are varints.
type list struct {
	count   int
	docs    []byte
	places  []byte
	lengths []byte
	placed  bool
	doc     int
	here    []int
}

// Count implements search.Postings.
func (l *list) Count() int { return l.count }

// Next implements search.Postings.
func (l *list) Next(from int) (search.Posting, bool, error) {
	for len(l.docs) > 0 {
		times, err := l.step()
		if err != nil {
			return search.Posting{}, false, fmt.Errorf("%w: %w", search.ErrCorrupt, err)
		}
		if l.doc < from {
			continue
		}
		return search.Posting{Doc: l.doc, Times: times, Length: length(l.lengths, l.doc), Places: l.here}, true, nil
	}
	return search.Posting{}, false, nil
}

// step moves to the next document and returns how often it has the word.
func (l *list) step() (times int, err error) {
	v, err := take(&l.docs)
	if err != nil {
		return 0, err
	}
	if l.doc += int(v>>1) + 1; 2*l.doc >= len(l.lengths) || l.doc < 0 {
		return 0, errList
	}
	times = 1
	if v&1 == 0 {
		more, err := take(&l.docs)
		if err != nil || more > math.MaxInt32 {
			return 0, errList
		}
		times = int(more) + 2
	}
	if !l.placed || len(l.places) == 0 { // marks have none
		return times, nil
	}
	l.here = l.here[:0]
	place := 0
	for range times {
		v, err := take(&l.places)
		if err != nil {
			return 0, err
		}
		place += int(v)
		l.here = append(l.here, place)
	}
	return times, nil
}

// take reads a varint.
func take(b *[]byte) (uint64, error) {
	if len(*b) > 0 && (*b)[0] < 0x80 {
		v := (*b)[0]
		*b = (*b)[1:]
		return uint64(v), nil
	}
	v, n := binary.Uvarint(*b)
	if n <= 0 || v > math.MaxInt32*4 {
		return 0, errList
	}
	*b = (*b)[n:]
	return v, nil
}

// writing is a list that is written.
type writing struct {
	count, last  int
	docs, places []byte
	doc, times   int // of the document that note is at
	place        int
}

// add adds a document behind those that are there.
func (w *writing) add(doc int, places []int, times int) {
	before := 0
	for _, p := range places {
		w.places = binary.AppendUvarint(w.places, uint64(p-before))
		before = p
	}
	w.append(doc, times)
}

func (w *writing) append(doc, times int) {
	gap := uint64(doc)
	if w.count > 0 {
		gap = uint64(doc - w.last - 1)
	}
	w.last = doc
	if w.count++; times == 1 {
		w.docs = binary.AppendUvarint(w.docs, gap<<1|1)
	} else {
		w.docs = binary.AppendUvarint(binary.AppendUvarint(w.docs, gap<<1), uint64(times-2))
	}
}

// note adds one place of the word, behind those that were noted. end comes after the
// last one.
func (w *writing) note(doc, place int) {
	if w.times > 0 && w.doc != doc {
		w.end()
	}
	w.places = binary.AppendUvarint(w.places, uint64(place-w.place))
	w.doc, w.place = doc, place
	w.times++
}

func (w *writing) end() {
	if w.times > 0 {
		w.append(w.doc, w.times)
	}
	w.times, w.place = 0, 0
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
