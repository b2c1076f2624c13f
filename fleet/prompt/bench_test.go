package prompt

import (
	"strings"
	"testing"

	"parley/shared/passage"
)

// BenchmarkFitLongText makes the prompt for a question about the longest text there is.
func BenchmarkFitLongText(b *testing.B) {
	text := strings.Repeat(paragraphs(1000, "trade & <b>customs</b>"), passage.MaxText/160_000)
	c := chatOf([]File{plainFile("A", "a.txt", text[:min(len(text), passage.MaxText-1)])}, "A|What is paragraph 77 about, and for how long does it go on?")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if turns, _ := c.Fit(32_000, words(4)); len(turns[1].Files) < 1000 {
			b.Fatal("no passages")
		}
	}
}
