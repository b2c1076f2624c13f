package segment

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"parley/shared/search"
)

// Find implements search.Index.
func (s *Segment) Find(word string) (search.List, error) {
	c := s.words.get(word)
	if c == nil {
		return nil, nil
	}
	e, err := s.entry(c)
	if err != nil {
		return nil, fmt.Errorf("look up a word: %w", s.lists.corrupt(err))
	}
	return e, nil
}

// likely is how many bytes of a list are read at first.
const likely = 4 << 10

// entry is a word's list that was found.
type entry struct {
	*Segment
	head
	at    int64  // where what is behind the head begins
	b     []byte // what was read of that
	begun int    // bits of these that are the head's
	sizes [4]int64
	only  []bool // by form: those that are meant; nil: all
	docs  int    // that count
}

// entry reads the beginning of a word's list, all of a short one.
func (s *Segment) entry(c *cursor) (*entry, error) {
	for first := int64(likely); ; first = c.size {
		b, err := s.lists.read(c.list, min(first, c.size))
		if err != nil {
			return nil, err
		}
		e := &entry{Segment: s, at: c.list, b: b}
		err = e.read()
		if first >= c.size || err == nil && e.count > perBlock {
			return e, err
		}
	}
}

// read takes in what a list begins with.
func (e *entry) read() (err error) {
	in := bitReader{b: e.b}
	if e.head, err = in.head(); err != nil || e.count < 1 || e.count > e.facts.Docs {
		return errList
	}
	if e.docs, e.begun = e.count, in.at; e.count <= perBlock {
		return nil
	}
	rest := e.b[(in.at+7)/8:]
	for i := range e.sizes {
		n, err := take(&rest)
		if err != nil || n > maxList {
			return errList
		}
		e.sizes[i] = int64(n)
	}
	e.at += int64(len(e.b) - len(rest))
	e.b = rest
	return nil
}

// Count implements search.List.
func (e *entry) Count() int { return e.docs }

// Walk implements search.List.
func (e *entry) Walk(places bool) (search.Postings, error) {
	l := &list{}
	if err := e.walk(l, places && e.placed, e.only != nil); err != nil {
		return nil, fmt.Errorf("walk a list: %w", e.lists.corrupt(err))
	}
	return l, nil
}

// walk begins to walk a list with what is asked for.
func (e *entry) walk(l *list, places, forms bool) (err error) {
	l.begin(e.head, e.facts.Docs, e.lengths, bitReader{b: e.b, at: e.begun})
	l.only = e.only
	if e.count <= perBlock {
		if !l.load() {
			err = errList
		}
		return err
	}
	table, docs, placed, marked := e.sizes[0], e.sizes[1], e.sizes[2], e.sizes[3]
	size := table + docs
	if places {
		size += placed
	}
	if places && forms {
		size += marked
	}
	b := e.b
	if size > int64(len(b)) {
		if b, err = e.lists.read(e.at, size); err != nil {
			return err
		}
	}
	parts := body{table: b[:table], docs: b[table : table+docs]}
	if places {
		parts.places = b[table+docs : table+docs+placed]
	}
	switch {
	case forms && places:
		parts.forms = b[size-marked : size]
	case forms:
		if parts.forms, err = e.lists.read(e.at+size+placed, marked); err != nil {
			return err
		}
	}
	return l.long(parts)
}

// Remote is a file of which parts lie elsewhere until they are read.
type Remote interface {
	io.ReaderAt
	// Fetch brings over what lies between these places, from and to, all at the same time.
	Fetch(ctx context.Context, parts [][2]int64) error
	Local() bool // all of it is here
}

// Fetch implements search.Remote.
func (s *Segment) Fetch(ctx context.Context, needs []search.Need) error {
	file, ok := s.lists.ReaderAt.(Remote)
	if !ok || file.Local() {
		return nil
	}
	var parts [][2]int64
	add := func(c *cursor, places bool) {
		size := c.size
		if !places && size > likely && c.word[0] != '\x01' {
			size = max(likely, size/2) // places are behind the rest, and mostly longer
		}
		parts = append(parts, s.lists.around(c.list, size))
	}
	for _, n := range needs {
		if n.Prefix != "" {
			for _, c := range s.beginning(n.Prefix, search.MostBeginnings) {
				add(c, true) // which forms stand where is behind the places
			}
		} else if c := s.words.get(n.Word); c != nil {
			add(c, n.Places)
		}
	}
	if err := file.Fetch(ctx, parts); err != nil {
		return fmt.Errorf("fetch lists: %w", err)
	}
	return nil
}

// Begin implements search.Index.
func (s *Segment) Begin(prefix string, most int) (all []search.List, err error) {
	for _, c := range s.beginning(prefix, most) {
		e, err := s.entry(c)
		if err == nil {
			err = e.begins(string(c.word), prefix)
		}
		if err != nil {
			return nil, fmt.Errorf("look up a beginning: %w", s.lists.corrupt(err))
		}
		if e.docs > 0 {
			all = append(all, e)
		}
	}
	return all, nil
}

// beginning returns at most so many words of which a form may begin so.
func (s *Segment) beginning(prefix string, most int) (all []*cursor) {
	seen := map[int]bool{}
	add := func(c *cursor) {
		if !seen[c.n] {
			seen[c.n] = true
			all = append(all, c)
		}
	}
	for _, stem := range s.stems(prefix) {
		if c := s.words.get(stem); c != nil && !c.moved() && len(all) < most {
			add(c)
		}
	}
	for _, begin := range []string{prefix, movedMark + prefix} {
		c := s.words.seek(begin)
		for more := c != nil; more && len(all) < most && bytes.HasPrefix(c.word, []byte(begin)); more = c.next() {
			if c.moved() {
				add(c.stem())
			} else {
				at := *c
				at.word = slices.Clone(c.word)
				add(&at)
			}
		}
	}
	return all
}

// begins narrows a list down to the forms that begin so.
func (e *entry) begins(stem, prefix string) error {
	only := make([]bool, len(e.forms))
	n := 0
	e.docs = 0
	for i, f := range e.forms {
		written, err := e.written(stem, f)
		if err != nil {
			return err
		}
		if only[i] = strings.HasPrefix(written, prefix); only[i] {
			e.docs += f.docs
			n++
		}
	}
	if n < len(only) {
		e.only = only
	}
	return nil
}

// Similar implements search.Index.
func (s *Segment) Similar(word string, edits, most int) ([]string, error) {
	var all []string
	s.words.similar(word, edits, func(word string) bool {
		all = append(all, word)
		return len(all) < most
	})
	return all, nil
}
