package segment

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/blevesearch/vellum"

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

	all    []search.Posting // of the word that is written
	places []int
	list   packing
}

// number reads which documents there are and puts them in the order of their ids.
func number(old []*Segment, gone func(search.Doc) bool) (*merger, error) {
	type place struct{ segment, doc int }
	var places []place
	var names []search.Doc
	m := &merger{old: old, numbers: make([][]int, len(old))}
	for i, s := range old {
		m.numbers[i] = make([]int, s.Docs())
		for n := range s.Docs() {
			d, err := s.Doc(n)
			if err != nil {
				return nil, err
			}
			if m.numbers[i][n] = -1; !gone(d) {
				places, names = append(places, place{i, n}), append(names, d)
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

// source walks the words of one segment.
type source struct {
	*vellum.FSTIterator
	segment int
	word    []byte // nil at the end
	at      uint64
}

// look takes in where the iterator stands.
func (s *source) look(err error) error {
	if errors.Is(err, vellum.ErrIteratorDone) {
		s.word = nil
		return nil
	}
	if err != nil {
		return search.ErrCorrupt.Because(err)
	}
	s.word, s.at = s.Current()
	return nil
}

// words writes all words, each with the documents of all segments.
func (m *merger) words(ctx context.Context, w *writer) error {
	var open []*source
	for i, s := range m.old {
		it, err := s.words.Iterator(nil, nil)
		one := &source{FSTIterator: it, segment: i}
		if err := one.look(err); err != nil {
			return err
		}
		open = append(open, one)
	}
	for {
		open = slices.DeleteFunc(open, func(s *source) bool { return s.word == nil })
		if len(open) == 0 || w.err != nil {
			return nil // finish reports it
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		least := slices.Clone(slices.MinFunc(open, func(a, b *source) int { return bytes.Compare(a.word, b.word) }).word)
		m.all, m.places = m.all[:0], m.places[:0]
		placed := false
		for _, s := range open {
			if !bytes.Equal(s.word, least) {
				continue
			}
			has, err := m.postings(s)
			if err != nil {
				return err
			}
			placed = placed || has
			if err := s.look(s.Next()); err != nil {
				return err
			}
		}
		if len(m.all) > 0 {
			m.pack(placed)
			w.word(least, &m.list)
		}
	}
}

// postings adds where a word stands in a segment, with the documents' new numbers. It
// reports whether the word has places.
func (m *merger) postings(s *source) (placed bool, err error) {
	from := m.old[s.segment]
	l, err := from.list(int64(s.at), true)
	if err != nil {
		return false, from.lists.corrupt(err)
	}
	for {
		p, ok, err := l.Next(0)
		if !ok || err != nil {
			return l.placed, err
		}
		if p.Doc = m.numbers[s.segment][p.Doc]; p.Doc >= 0 {
			at := len(m.places)
			m.places = append(m.places, p.Places...)
			p.Places = m.places[at:]
			m.all = append(m.all, p)
		}
	}
}

// pack packs the postings of a word, which segments of other times leave in order.
func (m *merger) pack(placed bool) {
	byDoc := func(a, b search.Posting) int { return cmp.Compare(a.Doc, b.Doc) }
	if !slices.IsSortedFunc(m.all, byDoc) {
		slices.SortFunc(m.all, byDoc)
	}
	m.list.begin(len(m.all), placed)
	for _, p := range m.all {
		m.list.add(p.Doc, p.Places)
	}
}
