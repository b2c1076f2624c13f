package child

import (
	"parley/shared/file"
	"parley/shared/passage"
)

// book is the text of a file as it is read, up to the bounds of it.
type book struct {
	pages []passage.Page
	size  int
	full  bool // there is more than fits
}

// room is how many bytes of text there is still room for.
func (b *book) room() int { return MaxText - b.size }

// add appends a page of that number, and reports whether there is room for more.
func (b *book) add(number int, text string) bool {
	if number > MaxPages {
		b.full = true
		return false
	}
	if len(text) > b.room() {
		text, b.full = cut(text, b.room()), true
	}
	b.size += len(text)
	b.pages = append(b.pages, passage.Page{Number: number, Text: text})
	return !b.full
}

// cut returns the first n bytes of text, less a character that they would split.
func cut(text string, n int) string {
	for n > 0 && n < len(text) && text[n]&0xC0 == 0x80 {
		n--
	}
	return text[:n]
}

// answer is what a book answers; total is how many pages the file has, 0 if it has
// none.
func (b *book) answer(total int) Answer {
	d := passage.Of(total, b.pages)
	a := Answer{Kind: file.Text, Pages: total, Passages: d.Passages}
	if total == 0 && len(b.pages) == 1 {
		a.Lines = lines(b.pages[0].Text)
	}
	switch {
	case len(d.Passages) == 0:
		a.Kind, a.Note = file.Other, NoText
	case b.full || d.Truncated:
		a.Note = Truncated
	}
	return a
}
