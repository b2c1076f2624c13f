package segment

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// patience is how many words with a beginning that nothing similar has are passed one
// by one before all others with it are jumped over.
const patience = 8

// similar calls each, until that returns false, for the words that so many edits make of
// that one and that have its first character. An edit is what search.Distance counts.
//
// It fills in the table of edit distances a line for each character of a word. Words
// that begin alike share these lines, and where a line has nothing but too much no
// word with that beginning is looked at.
func (d *dictionary) similar(word string, edits int, each func(word string) bool) {
	want := []rune(word)
	if len(want) == 0 {
		return
	}
	first, width := []byte(string(want[:1])), len(want)+1
	lines := make([]int, width, width*(len(want)+edits+4)) // one behind the other; the first is of no character
	for j := range lines {
		lines[j] = min(j, edits+2)
	}
	ends, runes := []int{0}, []rune{0} // of each line: where its character ends, and which it is
	var known []byte                   // the characters of all lines
	dead, passed := false, 0
	for c := d.seek(string(first)); c != nil && bytes.HasPrefix(c.word, first); {
		if dead && bytes.HasPrefix(c.word, known) {
			if passed++; passed < patience {
				if !c.next() {
					return
				}
				continue
			}
			c = d.seek(string(known) + "\xff")
			passed = 0
			continue
		}
		same := 0
		for same < len(known) && same < len(c.word) && known[same] == c.word[same] {
			same++
		}
		n := len(ends)
		for ends[n-1] > same {
			n--
		}
		ends, runes, lines = ends[:n], runes[:n], lines[:n*width]
		dead, passed = false, 0
		for at := ends[n-1]; at < len(c.word) && !dead; {
			r, size := utf8.DecodeRune(c.word[at:])
			at += size
			ends, runes = append(ends, at), append(runes, r)
			lines, dead = follow(lines, want, runes, edits)
		}
		known = append(known[:0], c.word[:ends[len(ends)-1]]...)
		if !dead && lines[len(lines)-1] <= edits && !each(string(c.word)) || !c.next() {
			return
		}
	}
}

// follow adds the line of the last of the characters that there are. It reports whether
// nothing that follows can be similar. Places that are further apart than there may be
// edits aren't worth a look.
func follow(lines []int, want, runes []rune, edits int) (_ []int, dead bool) {
	width, i, much := len(want)+1, len(runes)-1, edits+2
	begin := len(lines)
	lines = slices.Grow(lines, width)[:begin+width]
	line, last := lines[begin:], lines[begin-width:begin]
	for j := range line {
		line[j] = much
	}
	line[0] = min(i, much)
	least, one := line[0], runes[i]
	for j := max(0, i-much); j < min(len(want), i+edits+1); j++ {
		distance := last[j]
		if one != want[j] {
			distance++
		}
		distance = min(distance, last[j+1]+1, line[j]+1, much)
		if i > 1 && j > 0 && one == want[j-1] && runes[i-1] == want[j] {
			distance = min(distance, lines[begin-2*width+j-1]+1)
		}
		line[j+1] = distance
		least = min(least, distance)
	}
	return lines, least >= much // two neighbours that change places may still make it one less
}
