package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"parley/scripts/internal/corpus"
)

// Aims of search: of an index's size as a part of its text, of building in MB a second
// and core, of what isn't indexed, and of warm queries by the history's messages.
const (
	aimIndex = 0.45
	aimBuild = 5.0
	aimRest  = 30 * time.Millisecond
)

var aimWarm = map[int]time.Duration{10_000: 20 * time.Millisecond, 100_000: 100 * time.Millisecond, 1_000_000: 300 * time.Millisecond}

// aimCold is that of what a function with an empty disk computes; what it waits for the
// storage comes on top.
var aimCold = map[int]time.Duration{10_000: 300 * time.Millisecond, 100_000: time.Second}

// grown is what was measured at one size of a history.
type grown struct {
	messages     int
	text, index  int64
	segments     int
	building     time.Duration
	merging      time.Duration
	merged       int64
	peak, asking uint64
	warm         times
	cold         []cold
}

// searching measures search in a history that grows.
func searching(ctx context.Context, b *bench) (section, error) {
	sizes := []int{1_000, 10_000, 100_000, 1_000_000}
	if b.quick {
		sizes = sizes[:2]
	}
	unindexed, err := restTable(ctx) // first: a function that is asked for the first time has a small heap
	if err != nil {
		return section{}, err
	}
	dir, err := os.MkdirTemp("", "parley-search-")
	if err != nil {
		return section{}, err
	}
	defer os.RemoveAll(dir)
	all, err := grow(ctx, dir, sizes)
	if err != nil {
		return section{}, err
	}
	if !b.quick {
		if err := os.WriteFile(filepath.Join(b.root, "docs", "search.svg"), []byte(growth(all)), 0o644); err != nil {
			return section{}, err
		}
	}
	return section{Title: "Search", Text: searchText, Tables: []table{buildTable(all), warmTable(all), kindTable(all), unindexed, coldTable(all)},
		Notes: "![How search grows with the history](search.svg)"}, nil
}

// grow lets a history grow and measures at each of the sizes.
func grow(ctx context.Context, dir string, sizes []int) (all []grown, err error) {
	c := corpus.New(1)
	w, err := newWorld(filepath.Join(dir, "bucket"))
	if err != nil {
		return nil, err
	}
	defer collectFrom(indexMemory)()
	messages := 0
	for one := range c.History(sizes[len(sizes)-1]) {
		if err := w.say(ctx, one); err != nil {
			return nil, err
		}
		if messages += len(one.Messages); messages < sizes[len(all)] {
			continue
		}
		g, err := w.measure(ctx, dir, c, sizes[len(all)])
		if err != nil {
			return nil, fmt.Errorf("%d messages: %w", messages, err)
		}
		fmt.Fprintf(os.Stderr, "bench: %d messages: index %.3f of the text, warm p99 %.1f ms of a processor\n", messages, float64(g.index)/float64(g.text), milliseconds(percentile(g.warm.all(), 99)))
		if all = append(all, g); len(all) == len(sizes) {
			break
		}
	}
	return all, nil
}

// measure measures a world as it is. A history that was never indexed is.
func (w *world) measure(ctx context.Context, dir string, c *corpus.Corpus, messages int) (g grown, err error) {
	queries, err := questions(c, w.now)
	if err != nil {
		return g, err
	}
	debug.FreeOSMemory()
	list, err := w.segments()
	if err != nil {
		return g, err
	}
	g = grown{messages: messages, text: int64(w.text), segments: len(list), building: w.building, merging: w.merging, merged: w.merged, peak: w.peak.most}
	for _, s := range list {
		g.index += s.Bytes
	}
	defer collectFrom(searchMemory)()
	var m memory
	if g.warm, err = w.warm(ctx, queries, &m); err != nil {
		return g, err
	}
	g.asking = m.most
	g.cold, err = w.cold(ctx, dir, queries)
	return g, err
}

// newest are chats of as much text as isn't indexed at most.
func newest() (list []corpus.Chat) {
	size := 0
	for one := range corpus.New(2).History(2000) {
		for _, m := range one.Messages {
			size += len(m.Text)
		}
		if list = append(list, one); size > indexed {
			break
		}
	}
	return list
}

func perSecond(bytes int64, d time.Duration) float64 { return float64(bytes) / 1e6 / d.Seconds() }

func buildTable(all []grown) table {
	t := table{Head: []string{"messages", "text, MB", "segments", "index, % of the text", "of the aim", "built, MB of text per s of a core", "aim, of that", "merged, MB of index per s", "with merging, MB of text per s", "memory at most, MB"}}
	for _, g := range all {
		share, speed := float64(g.index)/float64(g.text), perSecond(g.text, g.building)
		merged := ""
		if g.merged > 0 {
			merged = fmt.Sprintf("%.1f", perSecond(g.merged, g.merging))
		}
		t.add(thousands(g.messages), "%.1f", float64(g.text)/1e6, "%d", g.segments, "%.1f", 100*share, "%.2f", share/aimIndex, "%.1f", speed, "%.2f", aimBuild/speed,
			"%s", merged, "%.1f", perSecond(g.text, g.building+g.merging), "%.0f", float64(g.peak)/1e6)
	}
	return t
}

func warmTable(all []grown) table {
	t := table{Head: []string{"warm, ms", "p50", "p99", "most", "of the aim", "with 512 MB: p50", "p99", "memory at most, MB"}}
	for _, g := range all {
		took := g.warm.all()
		aim := ""
		if a, ok := aimWarm[g.messages]; ok {
			aim = fmt.Sprintf("%.2f", percentile(took, 99).Seconds()/a.Seconds())
		}
		at := func(p int) float64 { return milliseconds(percentile(took, p)) }
		t.add(thousands(g.messages), "%.2f", at(50), "%.2f", at(99), "%.2f", at(100), "%s", aim, "%.1f", at(50)/smaller, "%.1f", at(99)/smaller, "%.0f", float64(g.asking)/1e6)
	}
	return t
}

func kindTable(all []grown) table {
	t := table{Head: []string{"processor, ms: p50 / p99"}}
	for _, g := range all {
		t.Head = append(t.Head, thousands(g.messages))
	}
	for _, kind := range kinds() {
		var cells []any
		cell := func(of times) {
			cells = append(cells, "%s", fmt.Sprintf("%.2f / %.2f", milliseconds(percentile(of[kind], 50)), milliseconds(percentile(of[kind], 99))))
		}
		for _, g := range all {
			cell(g.warm)
		}
		t.add(string(kind), cells...)
	}
	return t
}

func coldTable(all []grown) table {
	t := table{Head: []string{"cold", "segments", "GETs: p50", "most", "one after another: p50", "most", "MB: p50", "most", "ms: p50", "p99", "of the aim", "with 512 MB: p50", "p99"}}
	for _, g := range all {
		var calls, row, size []int64
		var took []time.Duration
		for _, c := range g.cold {
			calls, row, size, took = append(calls, c.calls), append(row, int64(c.row)), append(size, c.bytes), append(took, c.processor)
		}
		aim := ""
		if a, ok := aimCold[g.messages]; ok {
			aim = fmt.Sprintf("%.2f", percentile(took, 99).Seconds()/a.Seconds())
		}
		middle := func(of []int64) int64 { slices.Sort(of); return of[len(of)/2] }
		most := slices.Max[[]int64]
		at := func(p int) float64 { return milliseconds(percentile(took, p)) }
		t.add(thousands(g.messages), "%d", g.segments, "%d", middle(calls), "%d", most(calls), "%d", middle(row), "%d", most(row), "%.1f", float64(middle(size))/1e6, "%.1f", float64(most(size))/1e6,
			"%.0f", at(50), "%.0f", at(99), "%s", aim, "%.0f", at(50)/smaller, "%.0f", at(99)/smaller)
	}
	return t
}

// restTable measures what isn't indexed yet.
func restTable(ctx context.Context) (table, error) {
	t := table{Head: []string{"the rest at its largest, ms", "text, KB", "p50", "p99", "most", "of the aim", "with 512 MB: p50", "p99"}}
	queries, err := questions(corpus.New(2), time.Now())
	if err != nil {
		return t, err
	}
	defer collectFrom(searchMemory)()
	first, again, size, err := rest(ctx, newest(), queries)
	for _, row := range []struct {
		name string
		took []time.Duration
	}{{"the first query", first}, {"further ones", again.all()}} {
		at := func(p int) float64 { return milliseconds(percentile(row.took, p)) }
		t.add(row.name, "%d", size>>10, "%.1f", at(50), "%.1f", at(99), "%.1f", at(100), "%.2f", at(99)/milliseconds(aimRest), "%.1f", at(50)/smaller, "%.1f", at(99)/smaller)
	}
	return t, err
}

// thousands writes a number of messages.
func thousands(n int) string {
	if n >= 1_000_000 {
		return fmt.Sprintf("%d M", n/1_000_000)
	}
	return fmt.Sprintf("%d k", n/1000)
}

// searchText says what the section on search has measured.
const searchText = `A history of made-up chats in eleven languages, seven tenths of them English (package ` + "`scripts/internal/corpus`" + `), is indexed as it grows by the real indexer: whenever 700 KB of text
were said, packed about 256 KB, a segment is made, and segments are merged as in production. Text, like the index, is counted in bytes. Times and speeds are of a processor, of which search has a whole one with
its 1,769 MB; "with 512 MB" is what they would be on the clock of a function that has 0.29 of one. A query is read, ranked and cut to a page of 20; that the hits' messages are read back from the table comes on top. 264 queries of eleven kinds,
three times each, after a first round that doesn't count. Memory is what Go's runtime has from the system, of this whole program,
which collects garbage as the two functions do, only from 400 MiB on while it searches and 700 while it builds. "Cold" is a function with an empty disk: the calls that it makes for segments, how many
of these follow one another at most, and the bytes that come over. The storage is a part of this program that waits for 20 ms before it answers, about as S3 does; what it computes is in the processor's time.

The rest is what isn't indexed yet, as large as it gets. The first query of a function that knows nothing of it takes every text apart; further ones, as with every letter that somebody types, don't.

Aims: an index of 45 % of the text; 5 MB of text built per second and core; 99 % of warm queries within 20 ms at 10 k messages, 100 ms at 100 k, 300 ms at 1 M; the rest within 30 ms;
of cold ones, what they compute within 300 ms at 10 k messages and 1 s at 100 k.
`
