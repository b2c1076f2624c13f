package passage

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func texts(all ...string) []Passage {
	passages := make([]Passage, len(all))
	for i, text := range all {
		passages[i] = Passage{Line: i + 1, Text: text}
	}
	return passages
}

func order(hits []Hit) []int {
	at := []int{}
	for _, h := range hits {
		at = append(at, h.At)
	}
	return at
}

func TestRankOrder(t *testing.T) {
	passages := texts("apples and pears", "plums", "Apple pie, apple cake", "cherries, which are a fruit, and an apple somewhere in many other words", "plums", "東京は日本の首都です")
	for question, want := range map[string][]int{
		"apples":            {2, 0, 3}, // more often first, then shorter
		"PLUM":              {1, 4},    // those that fit alike: in their order
		"plums with pears?": {0, 1, 4}, // the rarer word counts more
		"日本の首都は?":           {5},
		"bananas":           {},
		"":                  {},
	} {
		if d := cmp.Diff(want, order(Rank(passages, question, 10))); d != "" {
			t.Errorf("%s: %s", question, d)
		}
	}
	if hits := Rank(passages, "apple", 2); len(hits) != 2 {
		t.Errorf("%d hits, not 2", len(hits))
	}
	if hits := Rank(nil, "apple", 2); len(hits) != 0 {
		t.Errorf("%d hits in nothing", len(hits))
	}
}

// The score is BM25's, worked out by hand: 3 passages of 2, 2 and 4 words, one of
// which has the word twice.
func TestRankScore(t *testing.T) {
	hits := Rank(texts("one two", "three four", "five six six seven"), "six", 1)
	want := math.Log(1+2.5/1.5) * 2 * 2.2 / (2 + 1.2*(0.25+0.75*4/(8.0/3)))
	if len(hits) != 1 || hits[0].At != 2 || math.Abs(hits[0].Score-want) > 1e-9 {
		t.Errorf("%+v, want %g", hits, want)
	}
}
