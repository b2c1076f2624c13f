package search

import "slices"

// stream walks the documents that have something, in their order. next moves to the
// first one from that number on, and ahead in any case.
type stream interface {
	next(from int) (Posting, bool, error)
}

// placed is a stream that knows where in its document something stands.
type placed interface {
	stream
	// places appends where, in order.
	places(to []int) ([]int, error)
}

// one is the stream of a word.
type one struct{ Postings }

func (s one) next(from int) (Posting, bool, error) { return s.Next(from) }

func (s one) places(to []int) ([]int, error) { return s.Places(to) }

// anyOf has the documents that have one of several words; how often they have them is
// added up. The heads form a heap by document.
type anyOf struct {
	heads   []head
	started bool
	at      int // document
}

type head struct {
	Posting
	from Postings
}

func (s *anyOf) next(from int) (Posting, bool, error) {
	if !s.started {
		if err := s.start(from); err != nil {
			return Posting{}, false, err
		}
	} else {
		from = max(from, s.at+1)
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
	s.at, sum.Times = sum.Doc, 0
	s.here(0, func(h *head) { sum.Times += h.Times })
	return sum, true, nil
}

// start makes the heap.
func (s *anyOf) start(from int) error {
	s.started = true
	for i := len(s.heads) - 1; i >= 0; i-- {
		p, ok, err := s.heads[i].from.Next(from)
		if err != nil {
			return err
		}
		if !ok {
			s.heads = slices.Delete(s.heads, i, i+1)
			continue
		}
		s.heads[i].Posting = p
	}
	slices.SortFunc(s.heads, func(a, b head) int { return a.Doc - b.Doc })
	return nil
}

// here calls each for the heads, from that one on, that are at the document.
func (s *anyOf) here(from int, each func(*head)) {
	if from < len(s.heads) && s.heads[from].Doc == s.at {
		each(&s.heads[from])
		s.here(2*from+1, each)
		s.here(2*from+2, each)
	}
}

func (s *anyOf) places(to []int) (_ []int, err error) {
	begin := len(to)
	s.here(0, func(h *head) {
		if err == nil {
			to, err = h.from.Places(to)
		}
	})
	slices.Sort(to[begin:])
	return to, err
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

// added has the same documents as anyOf, where these are many: all lists were walked
// beforehand, one after the other, which takes less than keeping their heads in order.
type added struct {
	times, lengths []uint32 // by document
	at             int
}

// add walks lists of an index of so many documents.
func add(docs int, lists []Postings) (*added, error) {
	s := &added{times: make([]uint32, docs), lengths: make([]uint32, docs), at: -1}
	for _, l := range lists {
		for {
			p, ok, err := l.Next(0)
			if err != nil {
				return nil, err
			}
			if !ok {
				break
			}
			s.times[p.Doc] += uint32(p.Times)
			s.lengths[p.Doc] = uint32(p.Length)
		}
	}
	return s, nil
}

func (s *added) next(from int) (Posting, bool, error) {
	for s.at = max(from, s.at+1); s.at < len(s.times); s.at++ {
		if n := s.times[s.at]; n > 0 {
			return Posting{Doc: s.at, Times: int(n), Length: int(s.lengths[s.at])}, true, nil
		}
	}
	return Posting{}, false, nil
}

// both has the documents in which all streams meet; what it returns is the first
// one's posting, and the others' are in hits.
type both struct {
	streams []placed
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
func meet(streams []placed) *both {
	s := &both{streams: streams, hits: make([]Posting, len(streams))}
	for i := range s.hits {
		s.hits[i] = Posting{Doc: -1}
	}
	return s
}

// phrase has the documents in which words stand together; Times is how often.
type phrase struct {
	*both
	at    []int // how far each stands behind the first
	begin []int // where the phrase may begin, in words of the document
	other []int
	set   []uint64 // a bit for each place of another word; all are 0 in between
}

func (s *phrase) next(from int) (Posting, bool, error) {
	for {
		p, ok, err := s.both.next(from)
		if !ok || err != nil {
			return p, false, err
		}
		if p.Times, err = s.together(); p.Times > 0 || err != nil {
			return p, err == nil, err
		}
		from = p.Doc + 1
	}
}

// together returns how often the words stand together in the document in which they
// meet. It begins with the rarest of them.
func (s *phrase) together() (times int, err error) {
	rarest := 0
	for i, hit := range s.hits {
		if hit.Times < s.hits[rarest].Times {
			rarest = i
		}
	}
	if s.begin, err = s.streams[rarest].places(s.begin[:0]); err != nil {
		return 0, err
	}
	for i := range s.begin {
		s.begin[i] -= s.at[rarest]
	}
	for i := range s.streams {
		if i == rarest {
			continue
		}
		if s.other, err = s.streams[i].places(s.other[:0]); err != nil {
			return 0, err
		}
		if s.follow(s.at[i]); len(s.begin) == 0 {
			break
		}
	}
	return len(s.begin), nil
}

// follow keeps those beginnings behind which, that far, the other word stands.
func (s *phrase) follow(at int) {
	if len(s.other) == 0 {
		s.begin = s.begin[:0]
		return
	}
	if last := s.other[len(s.other)-1]; last>>6 >= len(s.set) {
		s.set = make([]uint64, last>>6+1)
	}
	for _, place := range s.other {
		s.set[place>>6] |= 1 << (place & 63)
	}
	n := 0
	for _, place := range s.begin {
		s.begin[n] = place
		if there := uint(place + at); there>>6 < uint(len(s.set)) {
			n += int(s.set[there>>6] >> (there & 63) & 1)
		}
	}
	s.begin = s.begin[:n]
	for _, place := range s.other {
		s.set[place>>6] = 0
	}
}
