package search

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Parameters of BM25: how soon more of a word counts no more, and how much a long
// document loses. They are Lucene's defaults; docs/search.md has what others do to the
// ranking of two test collections.
const (
	k1 = 1.2
	b  = 0.75
)

// titleBoost is how much more a chat's title counts than what was said in it.
const titleBoost = 2

// few is a number of documents that have all clauses below which others are of
// interest, too.
const few = 10

// Match is a document that fits a query.
type Match struct {
	Doc
	Score float64
	// Part says that it lacks loose clauses; it comes after all that have them.
	Part bool
}

// compare puts the better match first, of equal ones the newer.
func compare(a, b Match) int {
	if a.Part != b.Part {
		if a.Part {
			return 1
		}
		return -1
	}
	return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(b.Message, a.Message), cmp.Compare(a.Kind, b.Kind))
}

// Scale is what scores are measured by. It comes from all documents, and the pages that
// follow a first one keep its scale: so each document keeps its score and its place,
// whatever comes and goes between one page and the next.
type Scale struct {
	Mean    float64   // length of a document, in words
	Weights []float64 // of the clauses that rank
	Loose   bool      // loose clauses may be missing
}

// Place is where a page ends.
type Place struct {
	Match
	Scale
}

// Ranked is what Rank found.
type Ranked struct {
	Best  []Match
	Total int   // documents that match
	Query Query // as it was understood: a word that no document has stands for what looks like it
	Scale Scale
}

// PartError says in which of the indexes Rank failed.
type PartError struct {
	Part int
	Err  error
}

// Error implements error.
func (e *PartError) Error() string { return fmt.Sprintf("index %d: %v", e.Part, e.Err) }

// Unwrap returns the cause.
func (e *PartError) Unwrap() error { return e.Err }

// Rank returns the at most n best matches behind a place (nil: from the first on), the
// best first. Where few documents have all clauses, those count too that lack loose
// ones. An index that can't be read is a PartError.
func Rank(ctx context.Context, indexes []Index, q Query, f Filter, after *Place, n int) (Ranked, error) {
	r := ranking{ctx: ctx, indexes: indexes, filter: f, most: n}
	tokens := 0
	for _, x := range indexes {
		r.docs += x.Docs()
		tokens += x.Tokens()
	}
	r.mean = max(1, float64(tokens)/float64(max(1, r.docs)))
	for _, c := range ranked(q.All) {
		w, err := r.want(c)
		if err != nil {
			return Ranked{}, err
		}
		r.wanted = append(r.wanted, w)
	}
	for _, c := range q.None {
		w := &wanted{Clause: c}
		if _, err := r.expand(w); err != nil {
			return Ranked{}, err
		}
		r.none = append(r.none, w)
	}
	if after != nil {
		r.goOn(*after)
	}
	err := r.run()
	if err == nil && after == nil && r.total < few && len(r.wanted) > 1 && slices.ContainsFunc(r.wanted, func(w *wanted) bool { return w.Loose }) {
		r.loose, r.best, r.bar, r.total = true, nil, nil, 0
		err = r.run()
	}
	r.trim()
	understood, scale := Query{None: q.None}, Scale{Mean: r.mean, Loose: r.loose}
	for _, w := range r.wanted {
		understood.All = append(understood.All, w.Clause)
		scale.Weights = append(scale.Weights, w.weight)
	}
	return Ranked{r.best, r.total, understood, scale}, err
}

// goOn has the ranking go on behind a place, which has as many weights as there are
// clauses.
func (r *ranking) goOn(p Place) {
	r.after, r.mean, r.loose = &p.Match, p.Mean, p.Loose
	for i, w := range r.wanted {
		w.weight = p.Weights[i]
	}
}

// ranked leaves out what nearly every text has, unless there is nothing else.
func ranked(all []Clause) []Clause {
	if !slices.ContainsFunc(all, func(c Clause) bool { return !c.Stop }) {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(c Clause) bool { return c.Stop })
}

// ranking is one query under way.
type ranking struct {
	ctx          context.Context
	indexes      []Index
	filter       Filter
	docs         int
	mean         float64 // length of a document in words
	wanted, none []*wanted
	loose        bool // loose clauses may be missing
	after        *Match
	most         int
	best         []Match
	bar          *Match // what is worse than this isn't among the best
	total        int
}

// wanted is a clause with the words that it may stand for.
type wanted struct {
	Clause
	lists  [][][]List // by index and place in the clause
	weight float64
}

// want looks up what a clause may stand for and what it weighs.
func (r *ranking) want(c Clause) (*wanted, error) {
	w := &wanted{Clause: c}
	counts, err := r.expand(w)
	if err == nil && slices.Contains(counts, 0) {
		if w.Clause, err = r.similar(c, counts); err == nil {
			err = r.ready(w.Clause)
		}
		if err == nil {
			counts, err = r.expand(w)
		}
	}
	for _, n := range counts {
		n := float64(min(n, r.docs))
		w.weight += math.Log(1 + (float64(r.docs)-n+0.5)/(n+0.5))
	}
	return w, err
}

// ready has all indexes bring over, at the same time, what a clause takes that nobody has
// typed.
func (r *ranking) ready(c Clause) error {
	var g errgroup.Group
	for i, x := range r.indexes {
		if remote, ok := x.(Remote); ok {
			g.Go(func() error {
				if err := remote.Fetch(r.ctx, c.needs()); err != nil {
					return &PartError{i, err}
				}
				return nil
			})
		}
	}
	return g.Wait()
}

// MostBeginnings bounds the lists that a prefix stands for in one index.
const MostBeginnings = 256

// expand looks up what each index has of a clause. It returns how many documents have
// each of its words.
func (r *ranking) expand(w *wanted) ([]int, error) {
	counts := make([]int, len(w.Words))
	w.lists = make([][][]List, len(r.indexes))
	for i, x := range r.indexes {
		w.lists[i] = make([][]List, len(w.Words))
		for at, word := range w.Words {
			found, err := word.in(x)
			if err != nil {
				return nil, &PartError{i, err}
			}
			w.lists[i][at] = found
			for _, l := range found {
				counts[at] += l.Count()
			}
		}
	}
	return counts, nil
}

// in returns what an index has of a word.
func (w Word) in(x Index) ([]List, error) {
	if w.Prefix != "" {
		return x.Begin(w.Prefix, MostBeginnings)
	}
	var all []List
	for _, form := range w.Forms {
		l, err := x.Find(form)
		if err != nil {
			return nil, err
		}
		if l != nil {
			all = append(all, l)
		}
	}
	return all, nil
}

// mostSimilar bounds the words that one stands for which nobody has written.
const mostSimilar = 8

// similar puts words that look like them in the place of those that nothing has.
func (r *ranking) similar(c Clause, counts []int) (Clause, error) {
	c.Words = slices.Clone(c.Words)
	for i, w := range c.Words {
		if counts[i] > 0 || w.Prefix != "" {
			continue
		}
		var found []string
		for edits := 1; edits <= tolerated(w.Typed) && len(found) == 0; edits++ {
			for part, x := range r.indexes {
				for _, form := range w.Forms {
					more, err := x.Similar(form, edits, mostSimilar)
					if err != nil {
						return c, &PartError{part, err}
					}
					found = append(found, more...)
				}
			}
		}
		slices.Sort(found)
		c.Words[i].Forms = slices.Compact(found)
	}
	return c, nil
}

// tolerated is how many edits may lie between a word and what was meant.
func tolerated(word string) int {
	switch n := len([]rune(word)); {
	case n < 4:
		return 0
	case n < 8:
		return 1
	}
	return 2
}

// run ranks all documents.
func (r *ranking) run() error {
	for i := range r.indexes {
		if err := r.search(i); err != nil {
			return &PartError{i, err}
		}
	}
	return nil
}

// lacking reports whether an index lacks a word of the clause.
func (w *wanted) lacking(i int) bool {
	return slices.ContainsFunc(w.lists[i], func(l []List) bool { return len(l) == 0 })
}

// open returns the stream of a clause in one index, which lacks none of its words.
func (r *ranking) open(w *wanted, i int) (stream, error) {
	if len(w.Words) == 1 {
		return anyIn(w.lists[i][0], r.indexes[i].Docs())
	}
	var streams []placed
	for _, lists := range w.lists[i] {
		walks, err := walk(lists, true)
		if err != nil {
			return nil, err
		}
		streams = append(streams, joined(walks))
	}
	p := &phrase{both: meet(streams)}
	for _, word := range w.Words {
		p.at = append(p.at, word.At)
	}
	return p, nil
}

// dense is of how many documents of an index one is in any list, at least, that they
// are added up.
const dense = 16

// anyIn returns the stream of what is in any of some lists, of an index of so many
// documents.
func anyIn(lists []List, docs int) (stream, error) {
	walks, err := walk(lists, false)
	if err != nil {
		return nil, err
	}
	count := 0
	for _, l := range lists {
		count += l.Count()
	}
	if len(walks) > 2 && dense*count > docs {
		return add(docs, walks)
	}
	return joined(walks), nil
}

// walk begins to walk lists.
func walk(lists []List, places bool) (all []Postings, err error) {
	for _, l := range lists {
		p, err := l.Walk(places)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// joined is the stream of what any of some lists has.
func joined(walks []Postings) placed {
	if len(walks) == 1 {
		return one{walks[0]}
	}
	s := &anyOf{}
	for _, p := range walks {
		s.heads = append(s.heads, head{from: p})
	}
	return s
}

// trim keeps the best matches.
func (r *ranking) trim() {
	slices.SortFunc(r.best, compare)
	r.best = r.best[:min(len(r.best), r.most)]
}
