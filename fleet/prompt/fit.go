package prompt

import (
	"slices"
	"unicode/utf8"
)

// Counter returns the exact tokens of a prompt, or false if nobody knows. It is
// asked about prompts without pictures.
type Counter func([]Turn) (int, bool)

// rounds bounds how often fit asks for an exact count.
const rounds = 6

// Fit cuts a prompt down to room tokens and returns it with its size. The oldest
// turns go first, but never the system prompt or the question. If these two
// alone are too long, the middle of the question goes.
func Fit(turns []Turn, room int, count Counter) ([]Turn, int) {
	return fit(room, count, func(room int) []Turn { return shrink(turns, room) })
}

// fit has prompts made that are smaller and smaller, by estimate, until one has no
// more than room tokens.
func fit(room int, count Counter, prompt func(room int) []Turn) (turns []Turn, size int) {
	ratio := 1.0 // exact tokens to estimated ones, as found so far
	for range rounds {
		turns = prompt(int(float64(room) / ratio))
		estimate := Size(turns)
		exact, known := counted(turns, count)
		if !known {
			return turns, estimate
		}
		size = exact
		if exact <= room {
			break
		}
		ratio = max(ratio*1.02, 1.02*float64(exact)/float64(estimate))
	}
	return turns, size
}

// counted counts a prompt, and what its pictures are taken to need.
func counted(turns []Turn, count Counter) (int, bool) {
	plain, pictures := slices.Clone(turns), 0
	for i := range plain {
		pictures += plain[i].PictureTokens
		plain[i].Pictures = nil
	}
	n, known := count(plain)
	return n + pictures, known
}

// shrink drops turns until the estimate is within room.
func shrink(turns []Turn, room int) []Turn {
	head := 0
	if len(turns) > 0 && turns[0].Role == "system" {
		head = 1
	}
	first := head
	for Size(turns[:head])+Size(turns[first:])-PerTurn > room && first < len(turns)-1 {
		first++
	}
	for first < len(turns)-1 && first > head && turns[first].Role == "assistant" {
		first++ // an answer without its question explains nothing
	}
	kept := append(append([]Turn{}, turns[:head]...), turns[first:]...)
	if over := Size(kept) - room; over > 0 && len(kept) > 0 {
		last := &kept[len(kept)-1]
		last.Text = cutMiddle(last.Text, len(last.Text)-over*CharsPerToken)
	}
	return kept
}

// gap stands for what was cut out of a question.
const gap = "\n[…]\n"

// cutMiddle shortens text to about so many bytes, keeping both ends, because
// what to do stands at the one or the other.
func cutMiddle(text string, to int) string {
	to = max(to-len(gap), 16)
	if to >= len(text) {
		return text
	}
	head, tail := to/2, len(text)-(to-to/2)
	for head > 0 && !utf8.RuneStart(text[head]) {
		head--
	}
	for tail < len(text) && !utf8.RuneStart(text[tail]) {
		tail++
	}
	return text[:head] + gap + text[tail:]
}
