package segment

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"

	"parley/shared/search"
)

var errList = errors.New("a list of documents is cut off or out of order")

// A word's list is written in bits (bits.go). It begins with its head:
//
//	how many documents have the word
//	whether it has places, and if so:
//	how many forms the word has, and for each which way of writing it is (form.go) and,
//	if there are several, how many documents have it
//
// Documents follow in blocks of 128. Of each block there are
//
//	docs    for each document how many lie between it and the one before, then, of a
//	        word with places, how often the document has it
//	places  for each document the first place, then how many words lie between two: of
//	        these numbers the lower bits, which are as many for each of a document, and
//	        then, for all documents, what is left of the numbers, as so many zeros and a
//	        one: so a document's places are found without reading those of others
//	forms   of a word with several, for each place which it is, the commonest first
//
// What these are like on average follows from what is known: how many documents there
// are, and how long they are. Behind the head of a list of one block its three parts
// follow at once. In a longer one four numbers follow, how many bytes there are of each
// of what comes then: a table of the blocks, all their docs, all their places, all their
// forms. The table has for each block how far its last document lies behind the last
// one of the block before, and how many bits its parts have.

// perBlock is how many documents a block has; the last one may have fewer.
const perBlock = 128

// gap and spread are the bits that differences of documents and places take, less the
// part that tells how much more it is.
func gap(docs, count int) int      { return restOf(docs / max(1, count)) }
func spread(length, times int) int { return restOf(int(uint32(length) / (uint32(times) + 1))) }

// head is what a list begins with.
type head struct {
	count  int
	placed bool
	forms  []form
}

// form is a way of writing a word.
type form struct {
	rule int // number, in the segment
	docs int // that have it
}

// maxForms bounds the ways of writing one word.
const maxForms = 1 << 16

// head reads a list's head. What it says may be more than there is.
func (r *bitReader) head() (h head, err error) {
	h.count, h.placed = int(r.gamma()), r.window()&1 == 1
	r.at++
	if h.placed {
		n := int(r.gamma())
		if n > maxForms || r.past() {
			return h, errList
		}
		for range n {
			f := form{rule: int(r.gamma()) - 1, docs: h.count}
			if n > 1 {
				f.docs = int(r.gamma())
			}
			if h.forms = append(h.forms, f); r.past() {
				return h, errList
			}
		}
	}
	if r.past() {
		return h, errList
	}
	return h, nil
}

// body is where a long list's parts are.
type body struct{ table, docs, places, forms []byte }

// block is where a block of a long list is, in bits, and which documents it may have.
type block struct {
	before, last        int // document of the block before, and its own
	docs, places, forms int
}

// blocks reads a list's table.
func blocks(h head, table []byte) (all []block, err error) {
	all = make([]block, 0, (h.count+perBlock-1)/perBlock)
	b := block{before: -1, last: -1}
	for range cap(all) {
		var sizes [3]uint64
		further, err := take(&table)
		for i := range sizes {
			if err == nil && (i == 0 || h.placed && i == 1 || len(h.forms) > 1) {
				sizes[i], err = take(&table)
			}
		}
		if err != nil {
			return nil, err
		}
		b.last = b.before + int(further)
		all = append(all, b)
		b.before = b.last
		b.docs, b.places, b.forms = b.docs+int(sizes[0]), b.places+int(sizes[1]), b.forms+int(sizes[2])
	}
	return all, nil
}

// list walks the documents that have a word.
type list struct {
	head
	gap     int
	lengths []byte
	only    []bool // by form: those that are meant; nil: all

	docs, places, marks bitReader // the parts
	blocks              []block   // of a long list

	block int     // the next one
	left  int     // documents behind the block
	doc   []int32 // documents of the block
	times []int32 // how often they have the word
	i     int     // which of them comes next
	fit   []int32 // how often they have a form that is meant

	spread bool      // low and highs are those of this block
	low    []int     // where the lower bits of each document begin
	highs  bitReader // at what is left of the numbers of a document
	at     int       // which one

	known   bool    // form is that of this block
	form    []int32 // of each place
	formsAt []int32 // where each document's begin in that
}

// begin has it walk a list whose parts follow one another. What it had before is used
// again.
func (l *list) begin(h head, docs int, lengths []byte, in bitReader) {
	*l = list{head: h, gap: gap(docs, h.count), lengths: lengths, left: h.count, docs: in,
		doc: l.doc[:0], times: l.times[:0], fit: l.fit[:0], low: l.low[:0], form: l.form[:0], formsAt: l.formsAt[:0]}
	if n := min(h.count, perBlock); cap(l.doc) < n {
		both := make([]int32, 2*n)
		l.doc, l.times = both[:0:n], both[n:n]
	}
}

// long has it walk a list of several blocks.
func (l *list) long(b body) (err error) {
	l.docs, l.places, l.marks = bitReader{b: b.docs}, bitReader{b: b.places}, bitReader{b: b.forms}
	l.blocks, err = blocks(l.head, b.table)
	return err
}

// Next implements search.Postings.
func (l *list) Next(from int) (search.Posting, bool, error) {
	for {
		for ; l.i < len(l.doc); l.i++ {
			doc := int(l.doc[l.i])
			if doc < from {
				continue
			}
			times := l.times[l.i]
			if l.only != nil {
				if times = l.fit[l.i]; times == 0 {
					continue
				}
			}
			l.i++
			return search.Posting{Doc: doc, Times: int(times), Length: length(l.lengths, doc)}, true, nil
		}
		if l.left == 0 {
			return search.Posting{}, false, nil
		}
		for l.blocks != nil && l.left > perBlock && l.blocks[l.block].last < from {
			l.block++
			l.left -= perBlock
		}
		if !l.load() {
			return search.Posting{}, false, search.ErrCorrupt.Because(errList)
		}
	}
}

// load reads the next block's documents; false if they are cut off or out of order.
func (l *list) load() bool {
	last := -1
	if l.blocks != nil {
		last, l.docs.at = l.blocks[l.block].before, l.blocks[l.block].docs
	}
	n := min(l.left, perBlock)
	l.doc, l.times, l.i, l.spread, l.known = l.doc[:n], l.times[:n], 0, false, false
	if l.docs.at < 0 || !l.read(last) {
		return false
	}
	if l.left -= n; l.blocks == nil {
		l.places = l.docs
	} else {
		b := l.blocks[l.block]
		if int(l.doc[n-1]) != b.last {
			return false
		}
		l.places.at, l.marks.at = b.places, b.forms
		l.block++
	}
	return l.only == nil || l.choose()
}

// read reads a block's documents behind the last one of the block before.
func (l *list) read(doc int) bool {
	r, rest, docs := &l.docs, l.gap, len(l.lengths)/2
	mask := uint64(1)<<rest - 1
	for i := range l.doc {
		w := r.window()
		q := bits.TrailingZeros64(^w)
		if q >= maxQuotient {
			doc += int(r.rice(rest)) + 1
			w = r.window()
		} else {
			doc += int(uint64(q)<<rest|w>>(q+1)&mask) + 1
			r.at += q + 1 + rest
			w >>= q + 1 + rest // at least 8 bits are left
		}
		if doc >= docs {
			return false
		}
		times := 1
		if l.placed {
			if n := bits.TrailingZeros8(^uint8(w)); n <= 3 {
				times = 1<<n | int(w>>(n+1)&(1<<n-1))
				r.at += 2*n + 1
			} else {
				times = int(r.gamma())
			}
		}
		l.doc[i], l.times[i] = int32(doc), int32(times)
	}
	return !r.past()
}

// Places implements search.Postings.
func (l *list) Places(to []int) ([]int, error) {
	begin, doc := len(to), l.i-1
	to, ok := l.placesOf(to, doc)
	if ok && l.only != nil && len(l.forms) > 1 {
		n := begin
		for i, f := range l.formsOf(doc) {
			to[n] = to[begin+i]
			if l.only[f] {
				n++
			}
		}
		to = to[:n]
	}
	if !ok {
		return to, search.ErrCorrupt.Because(errList)
	}
	return to, nil
}

// placesOf appends where a document of the block has the word.
func (l *list) placesOf(to []int, doc int) ([]int, bool) {
	if !l.reach(doc) {
		return to, false
	}
	times := int(l.times[doc])
	rest := spread(length(l.lengths, int(l.doc[doc])), times)
	mask := uint64(1)<<rest - 1
	low, r := bitReader{b: l.places.b, at: l.low[doc]}, &l.highs
	lower, have := uint64(0), 0 // lower bits that were read, and how many
	began, sum := r.at, 0       // the ith of the ones lies as far behind the beginning as the places' higher bits say, and i
	for i := 0; i < times; {
		w, at := r.window()&whole, r.at-began
		for ; w != 0; w &= w - 1 {
			one := bits.TrailingZeros64(w)
			if have < rest {
				lower, have = low.window(), windowBits
			}
			sum += int(lower & mask)
			lower, have, low.at = lower>>rest, have-rest, low.at+rest
			to = append(to, (at+one-i)<<rest+sum+i)
			if i++; i == times {
				r.at += one + 1
				l.at = doc + 1
				return to, !r.past()
			}
		}
		if r.at += windowBits; r.past() {
			break
		}
	}
	return to, false
}

// reach moves highs to a document of the block.
func (l *list) reach(doc int) bool {
	if !l.spread || l.at > doc {
		at := l.places.at
		l.low = l.low[:0]
		for i, times := range l.times {
			l.low = append(l.low, at)
			at += int(times) * spread(length(l.lengths, int(l.doc[i])), int(times))
		}
		l.spread, l.at, l.highs = true, 0, bitReader{b: l.places.b, at: at}
	}
	places := 0
	for ; l.at < doc; l.at++ {
		places += int(l.times[l.at])
	}
	return l.highs.ones(places) && !l.highs.past()
}

// formsOf returns which form each place of a document of the block has.
func (l *list) formsOf(doc int) []int32 {
	return l.form[l.formsAt[doc]:][:l.times[doc]]
}

// readForms reads those of the block; false if they are cut off.
func (l *list) readForms() bool {
	if l.known {
		return true
	}
	r := &l.marks
	if l.blocks == nil {
		if !l.reach(len(l.doc)) {
			return false
		}
		*r = l.highs
	}
	l.form, l.formsAt = l.form[:0], l.formsAt[:0]
	for _, times := range l.times {
		l.formsAt = append(l.formsAt, int32(len(l.form)))
		for range times {
			l.form = append(l.form, int32(r.upTo(len(l.forms)-1)))
			if r.past() {
				return false
			}
		}
	}
	l.known = true
	return true
}

// choose counts how often the block's documents have a form that is meant.
func (l *list) choose() bool {
	if !l.readForms() {
		return false
	}
	l.fit = l.fit[:0]
	for i := range l.doc {
		n := int32(0)
		for _, f := range l.formsOf(i) {
			if l.only[f] {
				n++
			}
		}
		l.fit = append(l.fit, n)
	}
	return true
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
