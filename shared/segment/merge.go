package segment

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"parley/shared/search"
)

// Merge writes one segment of several, without the documents that are gone. If none is
// left it writes nothing, and the Facts are zero. search.ErrCorrupt if one of them
// can't be read.
func Merge(ctx context.Context, to io.Writer, old []*Segment, gone func(search.Doc) bool) (Facts, error) {
	m, err := number(old, gone)
	if err != nil || len(m.names) == 0 {
		return Facts{}, err
	}
	w, err := newWriter(to)
	if err != nil {
		return Facts{}, err
	}
	m.seed(&w.rules)
	if err := m.words(ctx, w); err != nil {
		return Facts{}, err
	}
	return w.finish(m.names, m.lengths)
}

// merger has the documents of the segments to be merged.
type merger struct {
	old     []*Segment
	numbers [][]int // new number of each document, by segment; -1: it is gone
	names   []search.Doc
	lengths []int

	list packing

	rules [][]int // new number of each rule, by segment; -1: it has none yet

	all    []posting // of the word that is written
	forms  []gathered
	places []int // of all documents, and which form each has
	which  []int
	from   list
}

// posting is a document that has the word that is written.
type posting struct{ doc, from, to int } // where its places begin and end

// number reads which documents there are and puts them in the order of their ids.
func number(old []*Segment, gone func(search.Doc) bool) (*merger, error) {
	type place struct{ segment, doc int }
	var places []place
	var names []search.Doc
	m := &merger{old: old, numbers: make([][]int, len(old))}
	for i, s := range old {
		m.numbers[i] = make([]int, s.Docs())
		for part := range s.Parts {
			err := s.partOf(part, func(n int, packed packedDoc) {
				d := packed.doc()
				if m.numbers[i][n] = -1; !gone(d) {
					places, names = append(places, place{i, n}), append(names, d)
				}
			})
			if err != nil {
				return nil, err
			}
		}
	}
	order := make([]int, len(places))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(names[a].Message, names[b].Message) })
	for n, at := range order {
		p := places[at]
		m.numbers[p.segment][p.doc] = n
		m.names = append(m.names, names[at])
		m.lengths = append(m.lengths, length(old[p.segment].lengths, p.doc))
	}
	m.list.lengths = m.lengths
	return m, nil
}

// seed numbers the rules as the largest segment has them: mostly the commonest first.
func (m *merger) seed(to *rules) {
	largest := slices.MaxFunc(m.old, func(a, b *Segment) int { return cmp.Compare(a.facts.Tokens, b.facts.Tokens) })
	for _, r := range largest.rules {
		to.number(r)
	}
	for _, s := range m.old {
		m.rules = append(m.rules, slices.Repeat([]int{-1}, len(s.rules)))
	}
}

// rule returns the new number of a segment's rule.
func (m *merger) rule(segment, old int, all *rules) (int, error) {
	numbers := m.rules[segment]
	if old >= len(numbers) {
		return 0, search.ErrCorrupt.Because(errForms)
	}
	if numbers[old] < 0 {
		numbers[old] = all.number(m.old[segment].rules[old])
	}
	return numbers[old], nil
}

// source walks the words of one segment.
type source struct {
	*cursor
	segment int
}

// words writes all words, each with the documents of all segments.
func (m *merger) words(ctx context.Context, w *writer) error {
	var open []*source
	for i, s := range m.old {
		open = append(open, &source{s.words.seek(""), i})
	}
	for {
		open = slices.DeleteFunc(open, func(s *source) bool { return s.cursor == nil || s.moved() })
		if len(open) == 0 || w.err != nil {
			return nil // finish reports it
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		least := slices.Clone(slices.MinFunc(open, func(a, b *source) int { return bytes.Compare(a.word, b.word) }).word)
		m.all, m.forms, m.places, m.which = m.all[:0], m.forms[:0], m.places[:0], m.which[:0]
		placed, lists := false, 0
		for _, s := range open {
			if !bytes.Equal(s.word, least) {
				continue
			}
			has, err := m.postings(s, &w.rules)
			if err != nil {
				return err
			}
			if lists++; lists > 1 && placed != has {
				return search.ErrCorrupt.Because(errors.New("a word has places here and none there"))
			}
			placed = has
			if !s.next() {
				s.cursor = nil
			}
		}
		if len(m.all) > 0 {
			m.pack(placed, &w.rules)
			w.word(string(least), &m.list)
		}
	}
}

// postings adds where a word stands in a segment, with the documents' new numbers. It
// reports whether the word has places.
func (m *merger) postings(s *source, all *rules) (placed bool, err error) {
	from, l := m.old[s.segment], &m.from
	e, err := from.entry(s.cursor)
	if err == nil {
		err = e.walk(l, e.placed, len(e.forms) > 1)
	}
	if err != nil {
		return false, from.lists.corrupt(err)
	}
	forms := make([]int, len(e.forms)) // the new number of each
	for i, f := range e.forms {
		rule, err := m.rule(s.segment, f.rule, all)
		if err != nil {
			return false, err
		}
		if forms[i] = slices.IndexFunc(m.forms, func(g gathered) bool { return g.rule == rule }); forms[i] < 0 {
			forms[i] = len(m.forms)
			m.forms = append(m.forms, gathered{rule: rule, last: -1})
		}
	}
	for {
		p, ok, err := l.Next(0)
		if !ok || err != nil {
			return e.placed, err
		}
		doc := m.numbers[s.segment][p.Doc]
		if doc < 0 {
			continue
		}
		begin := len(m.places)
		if e.placed {
			if m.places, err = l.Places(m.places); err != nil {
				return false, err
			}
			if m.which, err = m.formsOf(l, p.Times, forms, doc); err != nil {
				return false, err
			}
		}
		m.all = append(m.all, posting{doc, begin, len(m.places)})
	}
}

// formsOf appends which form each place of a list's document has, by new numbers, and
// counts them.
func (m *merger) formsOf(l *list, times int, numbers []int, doc int) ([]int, error) {
	var old []int32
	if len(l.forms) > 1 {
		if !l.readForms() {
			return nil, search.ErrCorrupt.Because(errList)
		}
		old = l.formsOf(l.i - 1)
	}
	for i := range times {
		n := numbers[0]
		if old != nil {
			n = numbers[old[i]]
		}
		m.forms[n].met(doc)
		m.which = append(m.which, n)
	}
	return m.which, nil
}

// pack packs the postings of a word, which segments of other times leave in order.
func (m *merger) pack(placed bool, all *rules) {
	byDoc := func(a, b posting) int { return cmp.Compare(a.doc, b.doc) }
	if !slices.IsSortedFunc(m.all, byDoc) {
		slices.SortFunc(m.all, byDoc)
	}
	if numbers := order(m.forms); numbers != nil {
		for i, n := range m.which {
			m.which[i] = numbers[n]
		}
	}
	for n := len(m.forms); n > 0 && m.forms[n-1].docs == 0; n-- {
		m.forms = m.forms[:n-1] // of documents that are gone
	}
	for _, f := range m.forms {
		all.used[f.rule] = true
	}
	m.list.begin(len(m.all), placed, m.forms)
	for _, p := range m.all {
		m.list.add(p.doc, m.places[p.from:p.to], m.which[p.from:p.to])
	}
}
