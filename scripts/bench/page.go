package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// section is one part of docs/benchmarks.md.
type section struct {
	Title   string
	Text    string // Markdown: what was measured, how, and the aim
	Tables  []table
	Notes   string // Markdown below the tables: what misses its aim and why, may be empty
	Facts   string // command, date, machine, load: bench.measure fills it in
	Skipped bool   // it could not be measured here; Text says why, and the page stays as it is
}

// table is a table of a section. Its first column holds words, the others numbers.
type table struct {
	Head []string
	Rows [][]string
}

// add appends a row: its name, then a format and a value for each further cell.
func (t *table) add(name string, cells ...any) {
	row := []string{name}
	for i := 0; i+1 < len(cells); i += 2 {
		row = append(row, fmt.Sprintf(cells[i].(string), cells[i+1]))
	}
	t.Rows = append(t.Rows, row)
}

// String is the section in Markdown.
func (s section) String() string {
	w := &strings.Builder{}
	fmt.Fprintf(w, "## %s\n\n%s\n", s.Title, strings.TrimSpace(s.Text))
	for _, t := range s.Tables {
		fmt.Fprintf(w, "\n| %s |\n|---|%s\n", strings.Join(t.Head, " | "), strings.Repeat("---:|", len(t.Head)-1))
		for _, row := range t.Rows {
			fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
		}
	}
	if s.Notes != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(s.Notes))
	}
	if s.Facts != "" {
		fmt.Fprintf(w, "\n%s\n", s.Facts)
	}
	return w.String()
}

const head = `# Benchmarks

Written by ` + "`make bench`" + `, a section for each of its parts (` + "`make bench ONLY=name`" + ` measures one again). Times are of a shared machine, whose load stands under each section; the ratios to the aims tell more than the times.
`

// insert puts a section into the page in place of its predecessor of that title.
func insert(path string, s section) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, []byte(merge(string(old), s)), 0o644)
}

// merge returns the page with that section. A new one goes to the end.
func merge(page string, s section) string {
	_, rest, _ := strings.Cut("\n"+page, "\n## ")
	var all []string
	if rest != "" {
		all = strings.Split(rest, "\n## ")
	}
	text := strings.TrimPrefix(s.String(), "## ")
	i := slices.IndexFunc(all, func(old string) bool { return strings.HasPrefix(old, s.Title+"\n") })
	if i < 0 {
		all = append(all, text)
	} else {
		all[i] = text
	}
	w := &strings.Builder{}
	w.WriteString(head)
	for _, text := range all {
		fmt.Fprintf(w, "\n## %s\n", strings.TrimSpace(text))
	}
	return w.String()
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// machine says what this ran on.
func machine() string {
	return fmt.Sprintf("%d cores (%s), %s/%s, %s", runtime.NumCPU(), processor(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// loadAverage is that of the last minute.
func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(b), " ")
	return one
}
