package passage

import (
	"cmp"
	"math"
	"slices"

	"parley/shared/words"
)

// Parameters of BM25, as they are usual: how soon more of a word counts no more,
// and how much a long passage loses.
const (
	k1 = 1.2
	b  = 0.75
)

// maxQuery bounds the different words of a question that count.
const maxQuery = 256

// Hit is a passage that has words of a question.
type Hit struct {
	At    int // index of the passage
	Score float64
}

// Rank returns the at most n passages that fit a question best, the best first, by
// BM25 over all of them; of those that fit alike the first. Passages without any
// word of the question are left out.
func Rank(passages []Passage, question string, n int) []Hit {
	q := newQuery(question)
	counts := make([]count, len(passages))
	total := 0
	for i, p := range passages {
		counts[i] = q.count(p.Text)
		total += counts[i].words
	}
	mean := float64(total) / float64(max(len(passages), 1))
	var hits []Hit
	for i, c := range counts {
		if score := q.score(c, len(passages), mean); score > 0 {
			hits = append(hits, Hit{i, score})
		}
	}
	slices.SortStableFunc(hits, func(a, b Hit) int { return cmp.Compare(b.Score, a.Score) })
	return hits[:min(n, len(hits))]
}

// query is a question's words. A passage has one of them if it has any of its forms.
type query struct {
	words.Memory
	terms map[string][]int // places in what follows of the words that a form stands for
	times []float64        // in the question
	in    []int            // passages that have it
}

// count is what a passage has of a question.
type count struct {
	words int
	terms []float64 // how often each of the question's words; nil: it has none
}

func newQuery(question string) *query {
	q := &query{terms: map[string][]int{}}
	at := map[string]int{}
	for t := range words.Tokens(question) {
		i, known := at[t.Word]
		if !known {
			if len(q.times) == maxQuery {
				continue
			}
			i = len(q.times)
			at[t.Word], q.times, q.in = i, append(q.times, 0), append(q.in, 0)
			for _, form := range words.Forms(question[t.Start:t.End]) {
				q.terms[form] = append(q.terms[form], i)
			}
		}
		q.times[i]++
	}
	return q
}

func (q *query) count(text string) (c count) {
	for t := range q.Tokens(text) {
		c.words++
		for _, at := range q.terms[t.Word] {
			if c.terms == nil {
				c.terms = make([]float64, len(q.times))
			}
			if c.terms[at]++; c.terms[at] == 1 {
				q.in[at]++
			}
		}
	}
	return c
}

func (q *query) score(c count, passages int, mean float64) (sum float64) {
	for at, f := range c.terms {
		if f == 0 {
			continue
		}
		n := float64(q.in[at])
		rare := math.Log(1 + (float64(passages)-n+0.5)/(n+0.5))
		sum += q.times[at] * rare * f * (k1 + 1) / (f + k1*(1-b+b*float64(c.words)/mean))
	}
	return sum
}
