package main

import (
	"context"
	"os"

	"parley/scripts/internal/quality"
)

// ranking measures how well search ranks, on test collections.
func ranking(ctx context.Context, _ *bench) (section, error) {
	s := section{Title: "Quality of search", Text: qualityText}
	folder := os.Getenv("COLLECTIONS")
	if folder == "" {
		s.Skipped, s.Text = true, "Not measured: COLLECTIONS has to name a folder of test collections (scripts/internal/quality)."
		return s, nil
	}
	all, err := quality.All(folder)
	if err != nil {
		return s, err
	}
	t := table{Head: []string{"nDCG@10", "documents", "queries", "of these cut", "here", "Lucene's BM25", "of that"}}
	for _, c := range all {
		r, err := quality.Measure(ctx, c)
		if err != nil {
			return s, err
		}
		t.add(c.Name, "%d", len(c.Docs), "%d", r.Queries, "%d", r.Cut, "%.4f", r.NDCG, "%.4f", c.Lucene, "%.3f", r.NDCG/c.Lucene)
	}
	s.Tables = []table{t}
	return s, nil
}

const qualityText = `Test collections in a folder that ` + "`COLLECTIONS`" + ` names: the documents are one segment, and the queries are asked as a user would type them; what is longer than a query may be loses
its end. Lucene's figures are of version 9.12.3 with its EnglishAnalyzer and its defaults; where they come from is in [search.md](search.md#quality).

Aim: at least Lucene's.
`
