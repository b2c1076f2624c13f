// Package quality measures how well search ranks, on collections of documents with
// queries and with judgements by people of which documents answer them.
//
// A collection's documents become one segment, and its queries are asked as a user
// would type them; those that are longer than a query may be lose their end. What is
// reported is nDCG@10, as trec_eval has it, beside what Lucene's BM25 reaches on the
// same texts.
//
// The collections are small, old and free for research, but nobody has licensed them to
// be passed on: so they aren't part of this repository. The readers say which files
// they want; docs/search.md says where these and the figures come from.
package quality

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/search"
	"parley/shared/segment"
)

// Collection is a set of documents, queries and judgements.
type Collection struct {
	Name    string
	Lucene  float64 // nDCG@10 of Lucene's BM25 with its defaults and its EnglishAnalyzer
	Docs    []Text
	Queries []Text
	// Judged has for each query the documents that answer it, and how well.
	Judged map[string]map[string]int
}

// Text is a document or a query.
type Text struct{ ID, Text string }

// Result is what was measured on a collection.
type Result struct {
	NDCG    float64 // nDCG@10, the mean over all queries
	Queries int     // that have a document that answers them
	Cut     int     // of these, which were too long
}

const depth = 10

// Measure asks a collection's queries.
func Measure(ctx context.Context, c Collection) (Result, error) {
	index, names, err := build(ctx, c.Docs)
	if err != nil {
		return Result{}, err
	}
	var r Result
	for _, q := range c.Queries {
		judged := c.Judged[q.ID]
		if len(judged) == 0 {
			continue
		}
		query, whole := typed(q.Text)
		found, err := search.Rank(ctx, []search.Index{index}, query, search.Filter{}, nil, depth)
		if err != nil {
			return r, fmt.Errorf("query %s: %w", q.ID, err)
		}
		var gains []int
		for _, m := range found.Best {
			gains = append(gains, judged[names[m.Message]])
		}
		r.NDCG += ndcg(gains, judged)
		if r.Queries++; !whole {
			r.Cut++
		}
	}
	r.NDCG /= float64(max(1, r.Queries))
	return r, nil
}

// build puts documents into a segment, as messages of one chat. It returns their names
// by the messages' ids.
func build(ctx context.Context, texts []Text) (search.Index, map[string]string, error) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	names := map[string]string{}
	var docs []search.Document
	for n, t := range texts {
		d := search.Document{Doc: search.Doc{Chat: id.Floor(began), Message: id.Floor(began.Add(time.Duration(n) * time.Second))}, Role: chat.User, Text: t.Text}
		names[d.Message] = t.ID
		docs = append(docs, d)
	}
	var file bytes.Buffer
	if _, err := segment.Build(ctx, &file, docs); err != nil {
		return nil, nil, err
	}
	index, err := segment.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
	return index, names, err
}

// typed returns a query of as many of a text's first words as one may have.
func typed(text string) (q search.Query, whole bool) {
	words := strings.Fields(text)
	for n := len(words); n > 0; n-- {
		if q, err := search.Parse(strings.Join(words[:n], " ")); err == nil {
			return q, n == len(words)
		}
	}
	return search.Query{}, false
}

// ndcg is the gain of what was found, each the less the further behind it stands, as a
// part of what the best order of all would have.
func ndcg(gains []int, judged map[string]int) float64 {
	var best []int
	for _, gain := range judged {
		best = append(best, gain)
	}
	slices.SortFunc(best, func(a, b int) int { return b - a })
	return dcg(gains) / dcg(best[:min(depth, len(best))])
}

func dcg(gains []int) (sum float64) {
	for i, gain := range gains {
		sum += float64(gain) / math.Log2(float64(i+2))
	}
	return sum
}
