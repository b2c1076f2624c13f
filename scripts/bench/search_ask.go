package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"parley/scripts/internal/corpus"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/search"
	"parley/shared/segment"
)

// smaller is the part of a processor that a function with 512 MB has. With 1,769, as
// search is deployed, it has a whole one.
const smaller = 0.29

// GOMEMLIMIT of search and index-history in functions/template.yaml.
const (
	searchMemory = 400 << 20
	indexMemory  = 700 << 20
)

// collectFrom has garbage collected as these functions are deployed (GOGC=off): only
// where it passes a limit. It returns what ends that.
func collectFrom(limit int64) (end func()) {
	percent, before := debug.SetGCPercent(-1), debug.SetMemoryLimit(limit)
	return func() {
		debug.SetMemoryLimit(before)
		debug.SetGCPercent(percent)
		debug.FreeOSMemory() // or it would pass for what comes next
	}
}

const pageSize = search.DefaultPage + 1 // a page asks for one more, to know whether there is another

// filtered is one more kind of query: words, with filters.
const filtered corpus.Kind = "words of answers of three months"

// kinds are those of all queries.
func kinds() []corpus.Kind { return append(slices.Clone(corpus.Kinds), filtered) }

// question is a query that was read.
type question struct {
	kind   corpus.Kind
	query  search.Query
	filter search.Filter
}

func questions(c *corpus.Corpus, now time.Time) (all []question, err error) {
	for _, q := range c.Queries() {
		parsed, err := search.Parse(q.Text)
		if err != nil {
			return nil, err
		}
		f := search.Filter{Until: id.Floor(now)}
		all = append(all, question{q.Kind, parsed, f})
		if q.Kind == corpus.Words {
			f.Role, f.From, f.To = chat.Assistant, now.AddDate(0, -4, 0), now.AddDate(0, -1, 0)
			all = append(all, question{filtered, parsed, f})
		}
	}
	return all, nil
}

// times are what queries of each kind took.
type times map[corpus.Kind][]time.Duration

// all are those of all kinds.
func (t times) all() (list []time.Duration) {
	for _, of := range t {
		list = append(list, of...)
	}
	return list
}

// ask has all queries asked some times, one after the other, and notes what processor
// time each takes; the first round doesn't count.
func ask(ctx context.Context, all []question, m *memory, rank func(context.Context, question) error) (times, error) {
	const counted = 3
	took := times{}
	var failed error
	m.processor(func() {
		for n := range counted + 1 {
			for _, q := range all {
				began := processorTime()
				if failed = rank(ctx, q); failed != nil {
					return
				}
				if n > 0 {
					took[q.kind] = append(took[q.kind], processorTime()-began)
				}
			}
		}
	})
	return took, failed
}

// warm asks with all segments open, on this machine's disk.
func (w *world) warm(ctx context.Context, all []question, m *memory) (times, error) {
	list, err := w.segments()
	if err != nil {
		return nil, err
	}
	var indexes []search.Index
	for _, g := range list {
		f, err := os.Open(filepath.Join(w.bucket, g.Name))
		if err != nil {
			return nil, err
		}
		defer f.Close()
		s, err := segment.Open(f, g.Bytes)
		if err != nil {
			return nil, err
		}
		indexes = append(indexes, s)
	}
	return ask(ctx, all, m, func(ctx context.Context, q question) error {
		_, err := search.Rank(ctx, indexes, q.query, q.filter, nil, pageSize)
		return err
	})
}

// rest asks what no segment has: first a function that has never seen it, then one that
// has.
func rest(ctx context.Context, said []corpus.Chat, all []question) (first []time.Duration, again times, size int, err error) {
	var docs []search.Document
	for _, c := range said {
		docs = append(docs, search.Document{Doc: search.Doc{Chat: c.ID, Message: c.ID, Kind: search.Title}, Role: chat.User, Text: c.Title})
		for _, one := range c.Messages {
			docs = append(docs, search.Document{Doc: search.Doc{Chat: c.ID, Message: one.ID}, Role: one.Role, Text: one.Text})
			size += len(one.Text)
		}
	}
	taken := new(search.Taken)
	rank := func(ctx context.Context, q question) error {
		_, err := search.Rank(ctx, []search.Index{taken.Rest(slices.Clone(docs), q.query)}, q.query, q.filter, nil, pageSize)
		return err
	}
	for n := 0; n < len(all); n += 8 {
		taken = new(search.Taken)
		began := processorTime()
		if err := rank(ctx, all[n]); err != nil {
			return nil, nil, 0, err
		}
		first = append(first, processorTime()-began)
	}
	again, err = ask(ctx, all, &memory{}, rank)
	return first, again, size, err
}

// cold is what a query costs a function that has nothing on its disk.
type cold struct {
	calls     int64         // to the storage
	row       int           // of these that followed one another
	bytes     int64         // that it sent
	processor time.Duration // of the function and of what stands for the storage
}

// cold asks some of the queries, each with an empty disk.
func (w *world) cold(ctx context.Context, dir string, all []question) (list []cold, err error) {
	store := newStorage(dir)
	defer store.Close()
	segments, err := w.segments()
	if err != nil {
		return nil, err
	}
	for n := 0; n < len(all); n += 7 {
		c, err := w.coldly(ctx, store, segments, all[n])
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

func (w *world) coldly(ctx context.Context, store *storage, segments []search.Segment, q question) (c cold, err error) {
	disk, err := os.MkdirTemp("", "parley-cold-")
	if err != nil {
		return c, err
	}
	defer os.RemoveAll(disk)
	kept, err := store.shelf(filepath.Join(disk, "segments"))
	if err != nil {
		return c, err
	}
	store.reset()
	began := processorTime()
	indexes := make([]search.Index, len(segments))
	releases := make([]func(), len(segments))
	defer func() {
		for _, release := range releases {
			if release != nil {
				release()
			}
		}
	}()
	var g errgroup.Group
	for i, one := range segments { // as a search does
		g.Go(func() error {
			index, release, err := kept.Open(ctx, w.user, one)
			if err == nil {
				indexes[i], releases[i] = index, release
				err = search.Ready(ctx, index, q.query, q.filter)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return c, err
	}
	_, err = search.Rank(ctx, indexes, q.query, q.filter, nil, pageSize)
	c.calls, c.row, c.bytes, c.processor = store.calls.Load(), store.most, store.bytes.Load(), processorTime()-began
	return c, err
}
