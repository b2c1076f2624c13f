package child

import (
	"bytes"
	"errors"
	"strings"
)

// pageBreak stands between pages: no text has it, see tidy.
const pageBreak = "\f"

// errFull says that there is as much text as is read.
var errFull = errors.New("enough text was read")

// writer puts a text together from paragraphs, lists and tables: paragraphs with a
// free line between them, a row of a table in a line with tabs between its cells.
type writer struct {
	done   strings.Builder
	line   []byte // that isn't done
	gap    bool   // the next line has a free one before it
	tables int    // that are open, one in another
}

// text adds s to the line.
func (w *writer) text(s string) { w.line = append(w.line, s...) }

// flow adds s to the line, with one space for any white space, as HTML is read.
func (w *writer) flow(s string) {
	for i, word := range strings.Fields(s) {
		if i > 0 || strings.IndexAny(s, " \t\r\n\f") == 0 {
			w.space()
		}
		w.text(word)
	}
	if s != "" && strings.IndexByte(" \t\r\n\f", s[len(s)-1]) >= 0 {
		w.space()
	}
}

// space adds a space to the line, unless it has one or is empty.
func (w *writer) space() {
	if n := len(w.line); n > 0 && w.line[n-1] != ' ' && w.line[n-1] != '\t' && w.line[n-1] != '\n' {
		w.line = append(w.line, ' ')
	}
}

// end ends a paragraph, or a part of a cell.
func (w *writer) end(gap bool) {
	if w.tables > 0 {
		w.space()
		return
	}
	w.flush(gap)
}

// flush ends the line; with gap, a free line follows. An empty line is left out.
func (w *writer) flush(gap bool) {
	line := bytes.TrimRight(w.line, " \t\n")
	if len(line) > 0 {
		if w.gap && w.done.Len() > 0 {
			w.done.WriteByte('\n')
		}
		w.gap = false
		w.done.Write(line)
		w.done.WriteByte('\n')
	}
	w.line = w.line[:0]
	w.gap = w.gap || gap
}

// cell ends a cell of a table.
func (w *writer) cell() { w.line = append(bytes.TrimRight(w.line, " "), '\t') }

// table opens a table, close ends it.
func (w *writer) table() {
	w.flush(w.tables == 0)
	w.tables++
}

func (w *writer) close() {
	w.tables = max(0, w.tables-1)
	w.flush(w.tables == 0)
}

// page ends a page.
func (w *writer) page() {
	w.flush(false)
	w.done.WriteString(pageBreak)
	w.gap = false
}

// full returns errFull when there is more text than is read.
func (w *writer) full() error {
	if w.done.Len()+len(w.line) > MaxText {
		return errFull
	}
	return nil
}

// answer is what a text answers: with pages if it has page breaks.
func (w *writer) answer() Answer {
	w.flush(false)
	pages := strings.Split(w.done.String(), pageBreak)
	var b book
	if len(pages) == 1 {
		b.add(0, tidied(pages[0]))
		return b.answer(0)
	}
	for i, text := range pages {
		if !b.add(i+1, tidied(text)) {
			break
		}
	}
	return b.answer(len(pages))
}
