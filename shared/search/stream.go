package search

import "slices"

// stream walks the documents that have something, in their order. next moves to the
// first one from that number on, and ahead in any case.
type stream interface {
	next(from int) (Posting, bool, error)
}

// one is the stream of a word.
type one struct{ Postings }

func (s one) next(from int) (Posting, bool, error) { return s.Next(from) }

// anyOf has the documents that have one of several words; how often they have them is
// added up. The heads form a heap by document.
type anyOf struct {
	heads   []head
	started bool
	places  []int
}

type head struct {
	Posting
	from Postings
}

func (s *anyOf) next(from int) (Posting, bool, error) {
	if !s.started {
		s.started = true
		for i := len(s.heads) - 1; i >= 0; i-- {
			p, ok, err := s.heads[i].from.Next(from)
			if err != nil {
				return Posting{}, false, err
			}
			if !ok {
				s.heads = slices.Delete(s.heads, i, i+1)
				continue
			}
			s.heads[i].Posting = p
		}
		slices.SortFunc(s.heads, func(a, b head) int { return a.Doc - b.Doc })
	}
	for len(s.heads) > 0 && s.heads[0].Doc < from {
		if err := s.advance(from); err != nil {
			return Posting{}, false, err
		}
	}
	if len(s.heads) == 0 {
		return Posting{}, false, nil
	}
	sum := s.heads[0].Posting
	s.places = append(s.places[:0], sum.Places...)
	if err := s.advance(sum.Doc + 1); err != nil {
		return sum, false, err
	}
	for len(s.heads) > 0 && s.heads[0].Doc == sum.Doc {
		sum.Times += s.heads[0].Times
		s.places = append(s.places, s.heads[0].Places...)
		if err := s.advance(sum.Doc + 1); err != nil {
			return sum, false, err
		}
	}
	slices.Sort(s.places)
	sum.Places = s.places
	return sum, true, nil
}

// advance moves the first head on and restores the heap.
func (s *anyOf) advance(from int) error {
	p, ok, err := s.heads[0].from.Next(from)
	if err != nil {
		return err
	}
	if ok {
		s.heads[0].Posting = p
	} else {
		last := len(s.heads) - 1
		s.heads[0] = s.heads[last]
		s.heads = s.heads[:last]
	}
	for at := 0; ; {
		least := at
		for child := 2*at + 1; child <= 2*at+2 && child < len(s.heads); child++ {
			if s.heads[child].Doc < s.heads[least].Doc {
				least = child
			}
		}
		if least == at {
			return nil
		}
		s.heads[at], s.heads[least] = s.heads[least], s.heads[at]
		at = least
	}
}

// both has the documents in which all streams meet; what it returns is the first
// one's posting, and the others' are in hits.
type both struct {
	streams []stream
	hits    []Posting
}

func (s *both) next(from int) (Posting, bool, error) {
	for i := 0; i < len(s.streams); {
		if s.hits[i].Doc < from {
			p, ok, err := s.streams[i].next(from)
			if !ok || err != nil {
				return p, false, err
			}
			s.hits[i] = p
		}
		if at := s.hits[i].Doc; at > from {
			from, i = at, 0 // all others have to come there
			continue
		}
		i++
	}
	return s.hits[0], true, nil
}

// meet returns what has the documents in which all streams meet.
func meet(streams []stream) *both {
	s := &both{streams: streams, hits: make([]Posting, len(streams))}
	for i := range s.hits {
		s.hits[i] = Posting{Doc: -1}
	}
	return s
}

// phrase has the documents in which words stand together; Times is how often.
type phrase struct {
	*both
	at     []int   // how far each stands behind the first
	left   [][]int // places of each that may still follow one of the first
	places []int
}

func (s *phrase) next(from int) (Posting, bool, error) {
	for {
		p, ok, err := s.both.next(from)
		if !ok || err != nil {
			return p, false, err
		}
		s.left = s.left[:0]
		for _, hit := range s.hits {
			s.left = append(s.left, hit.Places)
		}
		s.places = s.places[:0]
		for _, place := range p.Places {
			if s.goesOn(place) {
				s.places = append(s.places, place)
			}
		}
		if p.Times, p.Places = len(s.places), s.places; p.Times > 0 {
			return p, true, nil
		}
		from = p.Doc + 1
	}
}

// goesOn reports whether the other words follow a place of the first one, which lies
// behind those that were asked for before.
func (s *phrase) goesOn(place int) bool {
	for i, at := range s.at[1:] {
		left := s.left[i+1]
		for len(left) > 0 && left[0] < place+at {
			left = left[1:]
		}
		if s.left[i+1] = left; len(left) == 0 || left[0] != place+at {
			return false
		}
	}
	return true
}
