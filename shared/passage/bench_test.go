package passage

import "testing"

// book is a text of 1 MB, as long as a thick novel.
func book() []Page {
	return []Page{{Text: lines(10_000, "Number %d opens a paragraph. It has\nmore than one sentence, and a line\nthat ends early.\n\n")}}
}

func BenchmarkCut(b *testing.B) {
	pages := book()
	b.SetBytes(int64(len(pages[0].Text)))
	for b.Loop() {
		Cut(pages)
	}
}

func BenchmarkRank(b *testing.B) {
	pages := book()
	passages := Cut(pages)
	b.SetBytes(int64(len(pages[0].Text)))
	for b.Loop() {
		Rank(passages, "Which number opens the paragraph with the early line?", 100)
	}
}

func BenchmarkDecode(b *testing.B) {
	pages := book()
	body := encoded(b, Of(0, pages))
	b.SetBytes(int64(len(pages[0].Text)))
	for b.Loop() {
		if _, err := Decode(body); err != nil {
			b.Fatal(err)
		}
	}
}
