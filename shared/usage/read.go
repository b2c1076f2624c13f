package usage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Files is where records are kept.
type Files interface {
	// List returns the names of all files that begin so.
	List(ctx context.Context, prefix string) ([]string, error)
	// Get returns a file.
	Get(ctx context.Context, name string) ([]byte, error)
}

// Settle is how long after a reply was asked for its record may still come: queues
// keep a prompt for a day, and dead letters wait for a function. A bill for a period
// is made no earlier.
const Settle = 48 * time.Hour

// Read returns one record for each reply that was asked for in [from, to), by its
// id. It reads the files of that time and of Settle after it, so it needs memory
// for the period's records: a bill for a month is made day by day.
func Read(ctx context.Context, files Files, from, to time.Time) ([]Record, error) {
	best := map[string]Record{}
	for day := from.UTC().Truncate(24 * time.Hour); day.Before(to.Add(Settle)); day = day.Add(24 * time.Hour) {
		names, err := files.List(ctx, day.Format(DayFolder))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if err := readFile(ctx, files, name, from, to, best); err != nil {
				return nil, fmt.Errorf("usage file %s: %w", name, err)
			}
		}
	}
	records := make([]Record, 0, len(best))
	for _, r := range best {
		records = append(records, r)
	}
	slices.SortFunc(records, func(a, b Record) int { return strings.Compare(a.Reply, b.Reply) })
	return records, nil
}

func readFile(ctx context.Context, files Files, name string, from, to time.Time, best map[string]Record) error {
	file, err := files.Get(ctx, name)
	if err != nil {
		return err
	}
	records, err := Decode(file)
	if err != nil {
		return err
	}
	for _, r := range records {
		if at := r.AskedAt(); at.Before(from) || !at.Before(to) {
			continue
		}
		if had, ok := best[r.Reply]; !ok || better(r, had) {
			best[r.Reply] = r
		}
	}
	return nil
}

// better reports whether r says more about its reply than had: who ended it knows
// the times, and of two who found it the first is kept.
func better(r, had Record) bool {
	if r.Found != had.Found {
		return had.Found
	}
	return r.EndedAt.Before(had.EndedAt)
}
