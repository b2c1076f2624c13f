package segment

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
)

// packing is a list that is written.
type packing struct {
	head
	gap     int
	lengths []int
	last    int // document
	n       int // documents of the block
	before  int // the last document of the block before
	ends    [3]int

	begun, docs, places, marks bitWriter
	lows, highs                bitWriter // of the block
	table, sizes               []byte
}

// begin begins a list of so many documents.
func (p *packing) begin(count int, placed bool, forms []gathered) {
	h := head{count: count, placed: placed, forms: p.forms[:0]}
	for _, f := range forms {
		h.forms = append(h.forms, form{f.rule, f.docs})
	}
	p.head, p.gap, p.last, p.before, p.n, p.ends = h, gap(len(p.lengths), count), -1, -1, 0, [3]int{}
	for _, w := range []*bitWriter{&p.begun, &p.docs, &p.places, &p.marks, &p.lows, &p.highs} {
		w.reset()
	}
	p.table = p.table[:0]
	p.begun.gamma(uint64(h.count))
	if !h.placed {
		p.begun.put(0, 1)
		return
	}
	p.begun.put(1, 1)
	p.begun.gamma(uint64(len(h.forms)))
	for _, f := range h.forms {
		p.begun.gamma(uint64(f.rule) + 1)
		if len(h.forms) > 1 {
			p.begun.gamma(uint64(f.docs))
		}
	}
}

// add adds a document behind those that are there: where it has the word, and, if that
// has several forms, which of them is there.
func (p *packing) add(doc int, places, forms []int) {
	p.docs.rice(uint64(doc-p.last-1), p.gap)
	p.last = doc
	if p.placed {
		p.docs.gamma(uint64(len(places)))
		rest, before := spread(min(p.lengths[doc], math.MaxUint16), len(places)), -1
		for i, place := range places {
			further := uint64(place - before - 1)
			p.lows.put(further&(1<<rest-1), rest)
			p.highs.unary(further >> rest)
			before = place
			if len(p.forms) > 1 {
				p.marks.upTo(forms[i], len(p.forms)-1)
			}
		}
	}
	if p.n++; p.n == perBlock {
		p.cut()
	}
}

// cut ends a block.
func (p *packing) cut() {
	p.places.append(&p.lows)
	p.places.append(&p.highs)
	p.lows.reset()
	p.highs.reset()
	p.table = binary.AppendUvarint(p.table, uint64(p.last-p.before))
	for i, w := range []*bitWriter{&p.docs, &p.places, &p.marks} {
		if i == 0 || p.placed && i == 1 || len(p.forms) > 1 {
			p.table = binary.AppendUvarint(p.table, uint64(w.len()-p.ends[i]))
			p.ends[i] = w.len()
		}
	}
	p.before, p.n = p.last, 0
}

// end returns the list's parts.
func (p *packing) end() [][]byte {
	if p.n > 0 {
		p.cut()
	}
	if p.count <= perBlock {
		p.begun.append(&p.docs)
		p.begun.append(&p.places)
		p.begun.append(&p.marks)
		p.begun.end()
		return [][]byte{p.begun.b}
	}
	for _, w := range []*bitWriter{&p.begun, &p.docs, &p.places, &p.marks} {
		w.end()
	}
	p.sizes = p.sizes[:0]
	for _, part := range [][]byte{p.table, p.docs.b, p.places.b, p.marks.b} {
		p.sizes = binary.AppendUvarint(p.sizes, uint64(len(part)))
	}
	return [][]byte{p.begun.b, p.sizes, p.table, p.docs.b, p.places.b, p.marks.b}
}

// gathering is a list that grows while texts are read: for each place how many
// documents further it is, and how many words further there, doubled, and one more if
// its form, which then follows, isn't the first one. All are varints.
type gathering struct {
	word       string
	count      int // documents
	doc, place int
	placed     bool
	b          []byte
	forms      []gathered
}

// gathered is a form as it was met.
type gathered struct {
	written     string
	rule        int // number
	docs, times int
	last        int // document
}

// met counts one more time, in the document of the last time or in another one.
func (g *gathered) met(doc int) {
	if g.times++; g.last != doc {
		g.docs, g.last = g.docs+1, doc
	}
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

// noteAt adds a place, and the number of the form there, behind those that were noted.
func (g *gathering) noteAt(doc, place, form int) {
	g.note(doc)
	g.forms[form].met(doc)
	further := uint64(place-g.place) << 1
	if form > 0 {
		g.b = binary.AppendUvarint(g.b, further|1)
		further = uint64(form)
	}
	g.b = binary.AppendUvarint(g.b, further)
	g.place, g.placed = place, true
}

// form returns the number of a form, a new one if it hasn't been met.
func (g *gathering) form(written string) int {
	for i := range g.forms {
		if g.forms[i].written == written {
			return i
		}
	}
	g.forms = append(g.forms, gathered{written: written, last: -1})
	return len(g.forms) - 1
}

// order puts forms in order, the commonest first, and returns by their old numbers the
// new ones, nil if these are the same.
func order(forms []gathered) (numbers []int) {
	more := func(a, b gathered) int { return cmp.Or(b.times-a.times, a.rule-b.rule) }
	if slices.IsSortedFunc(forms, more) {
		return nil
	}
	for i := range forms {
		forms[i].last = i
	}
	slices.SortFunc(forms, more)
	numbers = make([]int, len(forms))
	for n, f := range forms {
		numbers[f.last] = n
	}
	return numbers
}

// pack writes the list, whose forms have their rules.
func (g *gathering) pack(to *packing) {
	numbers := order(g.forms)
	to.begin(g.count, g.placed, g.forms)
	doc, place, first := 0, 0, true
	var here, written []int
	for b := g.b; len(b) > 0; {
		further, n := binary.Uvarint(b)
		b = b[n:]
		if further > 0 && !first {
			to.add(doc, here, written)
			here, written, place = here[:0], written[:0], 0
		}
		doc, first = doc+int(further), false
		if g.placed {
			further, n = binary.Uvarint(b)
			b = b[n:]
			place += int(further >> 1)
			form := uint64(0)
			if further&1 == 1 {
				form, n = binary.Uvarint(b)
				b = b[n:]
			}
			if numbers != nil {
				form = uint64(numbers[form])
			}
			here, written = append(here, place), append(written, int(form))
		}
	}
	to.add(doc, here, written)
}
