package search

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// look is one search.
type look struct {
	*Searcher
	request Request
	query   Query
	scale   Scale // once it has ranked
	parts   []part
	partial bool
}

// part is an index with what it is of.
type part struct {
	Index
	segment string // name; empty: the rest
	release func()
}

func (l *look) close() {
	for _, p := range l.parts {
		p.release()
	}
}

func (l *look) indexes() []Index {
	list := make([]Index, len(l.parts))
	for i, p := range l.parts {
		list[i] = p.Index
	}
	return list
}

// open makes the indexes: those of the segments, and that of the rest.
func (l *look) open(ctx context.Context) error {
	m, err := manifestOf(ctx, l.Archive, l.request.User)
	if err != nil && !errors.Is(err, ErrCorrupt) {
		return err
	}
	if err != nil {
		l.missed(ctx, "manifest", err, Job{User: l.request.User}) // it will see for itself
	}
	parts := make([]part, len(m.Segments)+1)
	broken := make([]error, len(parts))
	var rest gathering
	var g errgroup.Group
	for i, seg := range m.Segments {
		g.Go(func() (err error) {
			if parts[i], err = l.segment(ctx, seg); errors.Is(err, ErrCorrupt) {
				broken[i], err = err, nil
			}
			return err
		})
	}
	g.Go(func() (err error) {
		err = l.rest(ctx, m.Upto, &rest)
		parts[len(m.Segments)] = part{l.taken.Rest(rest.docs, l.query), "", func() {}}
		return err
	})
	err = g.Wait()
	for i, p := range parts {
		switch {
		case p.Index != nil:
			l.parts = append(l.parts, p)
		case broken[i] != nil:
			l.lost(ctx, m.Segments[i].Name, broken[i])
		}
	}
	if err == nil {
		l.shrink(ctx, &rest)
	}
	return err
}

// shrink has a large rest indexed.
func (l *look) shrink(ctx context.Context, rest *gathering) {
	switch job := (Job{User: l.request.User}); {
	case rest.cut:
		l.missed(ctx, "rest", nil, job)
	case rest.size() > muchRest:
		if err := l.ask(ctx, job); err != nil {
			l.Failed("indexing", err)
		}
	}
}

// segment opens one, and has come over what the query will ask for, while others do
// the same.
func (l *look) segment(ctx context.Context, s Segment) (part, error) {
	index, release, err := l.Segments.Open(ctx, l.request.User, s)
	if err != nil {
		return part{}, err
	}
	if err := Ready(ctx, index, l.query, l.request.Filter); err != nil {
		release()
		return part{}, err
	}
	return part{index, s.Name, release}, nil
}

// rank ranks all parts; those that turn out to be corrupt are left out.
func (l *look) rank(ctx context.Context, after *Place, n int) (Ranked, error) {
	for {
		found, err := Rank(ctx, l.indexes(), l.query, l.request.Filter, after, n)
		bad, ok := errors.AsType[*PartError](err)
		if !ok || !errors.Is(err, ErrCorrupt) {
			return found, err
		}
		p := l.parts[bad.Part]
		p.release()
		l.parts = slices.Delete(l.parts, bad.Part, bad.Part+1)
		l.lost(ctx, p.segment, err)
	}
}

// lost goes on without a segment.
func (l *look) lost(ctx context.Context, name string, why error) {
	l.Segments.Drop(l.request.User, name)
	l.missed(ctx, "segment", why, Job{User: l.request.User, Broken: name})
}

// missed notes that something isn't searched and has it mended.
func (l *look) missed(ctx context.Context, what string, why error, mend Job) {
	l.partial = true
	l.Failed(what, errors.Join(why, l.ask(ctx, mend)))
}

// askAgain is how long a job that was queued has to begin.
const askAgain = time.Minute

// ask queues a job, unless it was queued a moment ago: there is a search for every
// letter that somebody types.
func (s *Searcher) ask(ctx context.Context, j Job) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	maps.DeleteFunc(s.asked, func(_ Job, at time.Time) bool { return now.Sub(at) >= askAgain })
	if _, known := s.asked[j]; known {
		return nil
	}
	err := s.Jobs.Index(ctx, j)
	if err == nil {
		if s.asked == nil {
			s.asked = map[Job]time.Time{}
		}
		s.asked[j] = now
	}
	return err
}
