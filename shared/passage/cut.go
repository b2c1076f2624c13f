package passage

import (
	"strings"
	"unicode"

	"github.com/clipperhouse/uax29/v2/graphemes"
	"github.com/clipperhouse/uax29/v2/sentences"
	"github.com/clipperhouse/uax29/v2/words"
)

// Sizes of what Cut makes, in characters.
const (
	least = 500 // unless it is the last of its page
	Size  = 1000
	most  = 1500 // and the white space that follows
)

// Cut cuts pages into passages of about Size characters: at the end of a paragraph
// or else of a sentence, a line, a word. Only what has no such end is cut within a
// word, and even then between characters as readers see them. A passage is of one
// page. Joined, those of a page are its text without the white space around it.
// Text that isn't UTF-8 is mended.
func Cut(pages []Page) []Passage {
	var all []Passage
	for _, p := range pages {
		whole := strings.ToValidUTF8(p.Text, "\uFFFD")
		text := strings.TrimLeftFunc(whole, unicode.IsSpace)
		line := 1 + strings.Count(whole[:len(whole)-len(text)], "\n")
		for text = strings.TrimRightFunc(text, unicode.IsSpace); text != ""; {
			n := end(text)
			n += blank(text[n:])
			all = append(all, Passage{Page: p.Number, Line: line, Text: text[:n]})
			line += strings.Count(text[:n], "\n")
			text = text[n:]
		}
	}
	return all
}

// end returns the length in bytes of the first passage of a text.
func end(text string) int {
	window := text[:offset(text, most)]
	if window == text {
		return len(text)
	}
	from := offset(text, least)
	if at := sentence(window, from, offset(text, Size)); at > 0 {
		return at
	}
	if at := strings.LastIndexFunc(window, unicode.IsSpace); at >= from {
		return at
	}
	for words, at := words.FromString(window), 0; ; at = words.End() {
		if !words.Next() || words.End() == len(window) {
			if at >= from {
				return at
			}
			break
		}
	}
	for seen, at := graphemes.FromString(window), 0; ; at = seen.End() {
		if !seen.Next() || seen.End() == len(window) {
			if at > 0 {
				return at
			}
			return len(window) // a character of so many marks is none that anybody reads
		}
	}
}

// sentence returns the best place to cut a window from there on: the end of the
// paragraph that is nearest to size, or else of the sentence, or else of the line.
func sentence(window string, from, size int) int {
	var best [3]int
	for all := sentences.FromString(window); all.Next() && all.End() < len(window); {
		at := all.End()
		if at < from {
			continue
		}
		if kind := kindOf(window[:at]); best[kind] == 0 || distance(at, size) < distance(best[kind], size) {
			best[kind] = at
		}
	}
	for _, at := range best {
		if at > 0 {
			return at
		}
	}
	return 0
}

// kindOf says what ends with a text: 0 a paragraph, 1 a sentence, 2 a line.
func kindOf(text string) int {
	trimmed := strings.TrimRightFunc(text, unicode.IsSpace)
	switch {
	case strings.Count(text[len(trimmed):], "\n") > 1:
		return 0
	case strings.HasSuffix(text, "\n") && !strings.ContainsAny(trimmed[max(0, len(trimmed)-4):], ".!?…。！？"):
		return 2
	}
	return 1
}

func distance(a, b int) int { return max(a-b, b-a) }

// offset returns how many bytes the first n characters of a text have.
func offset(text string, n int) int {
	for at := range text {
		if n == 0 {
			return at
		}
		n--
	}
	return len(text)
}

// blank returns how many bytes of white space a text begins with, as far as that
// matters.
func blank(text string) int {
	for at, r := range text {
		if !unicode.IsSpace(r) || at > most {
			return at
		}
	}
	return len(text)
}
