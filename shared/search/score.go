package search

// scorer ranks the documents of one index.
type scorer struct {
	*ranking
	index    Index
	from, to int
	must     []clause // those that each document has to have
	may      []clause
	pass     []*checked // filters
	block    []*checked
	title    *checked
}

// clause is one that ranks, and where its stream stands.
type clause struct {
	stream
	weight float64
	at     Posting
	ended  bool
	loose  bool
}

// to moves a clause to the first document from that number on; false at the end.
func (c *clause) to(n int) (bool, error) {
	for !c.ended && c.at.Doc < n {
		p, ok, err := c.next(n)
		if err != nil {
			return false, err
		}
		c.at, c.ended = p, !ok
	}
	return !c.ended, nil
}

// checked is a stream that is only asked whether it has a document.
type checked struct{ clause }

func (c *checked) has(n int) (bool, error) {
	if c == nil {
		return false, nil
	}
	ok, err := c.to(n)
	return ok && c.at.Doc == n, err
}

// search ranks the documents of index i.
func (r *ranking) search(i int) error {
	s := &scorer{ranking: r, index: r.indexes[i]}
	possible, err := s.open(i)
	if !possible || err != nil {
		return err
	}
	for n := s.from; n < s.to; n++ {
		var ok bool
		if n, ok, err = s.candidate(n); !ok || err != nil || n >= s.to {
			return err
		}
		if n%1024 == 0 && r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		if ok, err = s.allowed(n); err == nil && ok {
			err = s.take(n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// open opens the streams; possible is false if no document can match.
func (s *scorer) open(i int) (possible bool, err error) {
	if s.from, s.to, err = s.filter.between(s.index); err != nil || s.from >= s.to {
		return false, err
	}
	for _, w := range s.wanted {
		if w.lacking(i) && !(s.loose && w.Loose) {
			return false, nil // before any list is read for the others
		}
	}
	for _, mark := range s.filter.marks() {
		c, err := s.check(mark)
		if c == nil || err != nil {
			return false, err
		}
		s.pass = append(s.pass, c)
	}
	for _, w := range s.wanted {
		if w.lacking(i) {
			continue
		}
		st, err := s.ranking.open(w, i)
		if err != nil {
			return false, err
		}
		c := clause{stream: st, weight: w.weight, at: Posting{Doc: -1}, loose: w.Loose}
		if s.loose && w.Loose {
			s.may = append(s.may, c)
		} else {
			s.must = append(s.must, c)
		}
	}
	for _, w := range s.none {
		if w.lacking(i) {
			continue
		}
		st, err := s.ranking.open(w, i)
		if err != nil {
			return false, err
		}
		s.block = append(s.block, &checked{clause{stream: st, at: Posting{Doc: -1}}})
	}
	s.title, err = s.check(markTitle)
	return len(s.must)+len(s.may) > 0, err
}

// check opens a mark; nil if no document has it.
func (s *scorer) check(mark string) (*checked, error) {
	l, err := s.index.Find(mark)
	if l == nil || err != nil {
		return nil, err
	}
	p, err := l.Walk(false)
	if err != nil {
		return nil, err
	}
	return &checked{clause{stream: one{p}, at: Posting{Doc: -1}}}, nil
}

// candidate returns the first document from n on that has all that it must have and
// something of what it may have.
func (s *scorer) candidate(n int) (int, bool, error) {
	if len(s.must) == 0 {
		return s.least(n)
	}
	for i := 0; i < len(s.must); i++ {
		ok, err := s.must[i].to(n)
		if !ok || err != nil {
			return n, false, err
		}
		if at := s.must[i].at.Doc; at > n {
			n, i = at, -1 // all have to come there
		}
	}
	return n, true, nil
}

// least returns the first document from n on that has any loose clause.
func (s *scorer) least(n int) (least int, found bool, err error) {
	for i := range s.may {
		ok, err := s.may[i].to(n)
		if err != nil {
			return n, false, err
		}
		if ok && (!found || s.may[i].at.Doc < least) {
			least, found = s.may[i].at.Doc, true
		}
	}
	return least, found, nil
}

// allowed asks the filters.
func (s *scorer) allowed(n int) (bool, error) {
	for _, c := range s.pass {
		if ok, err := c.has(n); !ok || err != nil {
			return false, err
		}
	}
	for _, c := range s.block {
		if has, err := c.has(n); has || err != nil {
			return false, err
		}
	}
	return true, nil
}

// take scores a document, counts it, and keeps it if it is among the best.
func (s *scorer) take(n int) error {
	m := Match{}
	length := 0
	add := func(c *clause) {
		times := float64(c.at.Times)
		m.Score += c.weight * times * (k1 + 1) / (times + k1*(1-b+b*float64(c.at.Length)/s.mean))
		length++
	}
	for i := range s.must {
		add(&s.must[i])
	}
	for i := range s.may {
		c := &s.may[i]
		if ok, err := c.to(n); err != nil {
			return err
		} else if ok && c.at.Doc == n {
			add(c)
		}
	}
	m.Part = length < len(s.wanted)
	boost, err := s.title.has(n)
	if err != nil {
		return err
	}
	if boost {
		m.Score *= titleBoost
	}
	s.total++
	return s.keep(m, n)
}

// keep adds a match to the best ones unless it comes too late, or was shown before.
func (s *scorer) keep(m Match, n int) (err error) {
	if s.bar != nil && worse(m, *s.bar) {
		return nil
	}
	if s.after != nil && worse(*s.after, m) {
		return nil
	}
	if m.Doc, err = s.index.Doc(n); err != nil {
		return err
	}
	if s.after != nil && compare(m, *s.after) <= 0 {
		return nil
	}
	if s.best = append(s.best, m); len(s.best) >= 2*s.most {
		s.trim()
		s.bar = new(s.best[s.most-1])
	}
	return nil
}

// worse reports whether a comes after b whatever their messages are.
func worse(a, b Match) bool { return a.Part && !b.Part || a.Part == b.Part && a.Score < b.Score }
