package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"parley/scripts/internal/runtimeapi"
	"parley/shared/extract"
)

// PDFs that are measured: of so many, those with enough words to compare.
const (
	mostPDFs   = 200
	leastWords = 50
)

// extracted is what came of one PDF, by us and by pdftotext.
type extracted struct {
	words     int           // by pdftotext
	recall    float64       // of them, found by us
	precision float64       // of ours, found by pdftotext
	ours      time.Duration // on the clock
	theirs    time.Duration
	cpu       float64 // our processor time, as a multiple of theirs
	memory    int64   // bytes, of the child
}

// extraction measures how much of the text of real PDFs is found, beside pdftotext.
func extraction(ctx context.Context, b *bench) (section, error) {
	s := section{Title: "Text extraction", Text: extractText}
	folder := os.Getenv("PDFS")
	if _, err := exec.LookPath("pdftotext"); folder == "" || err != nil {
		s.Skipped, s.Text = true, "Not measured: PDFS has to name a folder of PDFs, and pdftotext (poppler-utils) has to be there."
		return s, nil
	}
	paths, err := pdfs(folder, b.quick)
	if err != nil {
		return s, err
	}
	dir, err := os.MkdirTemp("", "parley-extract-")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(dir)
	program, err := runtimeapi.Build(ctx, b.root, dir, "process-upload")
	if err != nil {
		return s, err
	}
	run := extract.Runner{Program: program, Cache: filepath.Join(dir, "cache")}
	began := time.Now()
	if _, err := run.Run(ctx, paths[0], "a.pdf", ""); err != nil {
		return s, err
	}
	first := time.Since(began)
	all, unread, err := readAll(ctx, run, paths)
	if err != nil {
		return s, err
	}
	s.Tables = []table{recallTable(all), costTable(all)}
	s.Notes = fmt.Sprintf("%d PDFs with %d words and more, for which together we took %.1f times as long as pdftotext; %d of them gave a note and no text. The first PDF of all, for which PDFium was compiled, took %.1f s.",
		len(all), leastWords, together(all), unread, first.Seconds())
	return s, nil
}

// together returns our time for all PDFs as a multiple of pdftotext's.
func together(all []extracted) float64 {
	var ours, theirs time.Duration
	for _, r := range all {
		ours += r.ours
		theirs += r.theirs
	}
	return ours.Seconds() / theirs.Seconds()
}

// pdfs returns the paths of PDFs below folder, mostPDFs of them spread evenly.
func pdfs(folder string, few bool) ([]string, error) {
	var all []string
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && strings.EqualFold(filepath.Ext(path), ".pdf") {
			all = append(all, path)
		}
		return err
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("no PDF in %s", folder)
	}
	most := mostPDFs
	if few {
		most = 5
	}
	if len(all) <= most {
		return all, err
	}
	spread := make([]string, most)
	for i := range spread {
		spread[i] = all[i*len(all)/most]
	}
	return spread, err
}

// readAll reads each PDF both ways, one after the other.
func readAll(ctx context.Context, run extract.Runner, paths []string) (all []extracted, unread int, err error) {
	for _, path := range paths {
		theirs := exec.CommandContext(ctx, "pdftotext", "-q", "-enc", "UTF-8", path, "-")
		began := time.Now()
		out, err := theirs.Output()
		took := time.Since(began)
		want := words(string(out))
		if err != nil || want.n < leastWords {
			continue
		}
		res, err := run.Run(ctx, path, "a.pdf", "")
		if err != nil {
			return nil, 0, err
		}
		if res.Document == nil {
			unread++
			fmt.Fprintf(os.Stderr, "bench: %s: %+v\n", path, res.Note)
		}
		r := compare(want, words(text(res)))
		r.ours, r.theirs, r.memory = res.Cost.Wall, took, res.Cost.Memory
		r.cpu = float64(res.Cost.CPU) / float64(theirs.ProcessState.UserTime()+theirs.ProcessState.SystemTime())
		all = append(all, r)
	}
	if len(all) == 0 {
		return nil, 0, fmt.Errorf("pdftotext found no text in any PDF")
	}
	return all, unread, nil
}

func text(res extract.Result) string {
	var b strings.Builder
	if res.Document != nil {
		for _, p := range res.Document.Passages {
			b.WriteString(p.Text + "\n")
		}
	}
	return b.String()
}

// bag is how often each word is in a text.
type bag struct {
	of map[string]int
	n  int
}

var word = regexp.MustCompile(`[\pL\pN]+`)

func words(text string) bag {
	b := bag{of: map[string]int{}}
	for _, w := range word.FindAllString(strings.ToLower(text), -1) {
		b.of[w]++
		b.n++
	}
	return b
}

func compare(want, have bag) extracted {
	both := 0
	for w, n := range want.of {
		both += min(n, have.of[w])
	}
	return extracted{words: want.n, recall: float64(both) / float64(want.n), precision: float64(both) / float64(max(1, have.n))}
}

// quantiles returns the median, the value that a tenth doesn't reach, and the least.
func quantiles(all []extracted, of func(extracted) float64) (median, tenth, least float64) {
	var values []float64
	for _, r := range all {
		values = append(values, of(r))
	}
	slices.Sort(values)
	return values[len(values)/2], values[len(values)/10], values[0]
}

func recallTable(all []extracted) table {
	t := table{Head: []string{"words", "median PDF", "a tenth has less than", "least"}}
	row := func(name string, of func(extracted) float64) {
		median, tenth, least := quantiles(all, of)
		t.add(name, "%.3f", median, "%.3f", tenth, "%.3f", least)
	}
	row("recall", func(r extracted) float64 { return r.recall })
	row("precision", func(r extracted) float64 { return r.precision })
	return t
}

func costTable(all []extracted) table {
	t := table{Head: []string{"cost of a PDF", "median PDF", "a tenth has more than", "most"}}
	row := func(name, format string, of func(extracted) float64) {
		median, tenth, most := quantiles(all, func(r extracted) float64 { return -of(r) })
		t.add(name, format, -median, format, -tenth, format, -most)
	}
	row("time, ms", "%.0f", func(r extracted) float64 { return milliseconds(r.ours) })
	row("pdftotext's time, ms", "%.0f", func(r extracted) float64 { return milliseconds(r.theirs) })
	row("time, of pdftotext's", "%.1f", func(r extracted) float64 { return r.ours.Seconds() / r.theirs.Seconds() })
	row("processor time, of pdftotext's", "%.1f", func(r extracted) float64 { return r.cpu })
	row("memory of the child, MB", "%.0f", func(r extracted) float64 { return megabytes(r.memory) })
	return t
}

const extractText = `Real PDFs, from a folder that ` + "`PDFS`" + ` names, are read as process-upload reads them, by a child of the program that is compiled for Lambda, and by
` + "`pdftotext`" + ` (Poppler), in turns, once each. Words are runs of letters and digits, without regard to case and order, each as often as it occurs. Recall is the share of
pdftotext's words that we find, precision the share of ours that pdftotext finds: neither of the two is the truth. Our time has the start of a process, of PDFium (0.08 s
on a quiet machine, most of what a short PDF takes) and the cutting into passages in it.
`
