package passage

import (
	_ "embed"
	"slices"
	"strings"
	"testing"
)

//go:embed testdata/handbook.txt
var handbook string

// questions about the handbook, as people ask who don't know its words, and the page
// that has the answer.
var questions = []struct {
	ask  string
	page int
}{
	{"How many vacation days do I get per year?", 1},
	{"Can unused leave be carried over into the next year?", 1},
	{"When do I need a doctor's note?", 2},
	{"How long is my salary paid when I am ill?", 2},
	{"Can fathers stay home after a baby is born?", 3},
	{"Do I get paid for overtime?", 4},
	{"what are the core hours", 4},
	{"May I work remotely from Spain?", 5},
	{"Who pays for my internet at home?", 5},
	{"how expensive can a hotel in Zürich be?", 6},
	{"Am I allowed to fly business class?", 6},
	{"Can I get wine refunded at a dinner with clients?", 7},
	{"By when must receipts be submitted?", 7},
	{"Who pays speeding tickets?", 8},
	{"Can I purchase my leased bike at the end?", 9},
	{"What does lunch cost for guests?", 10},
	{"minimum password length in characters", 11},
	{"My notebook was stolen at night, whom do I call?", 12},
	{"What should I do with a phishing email?", 13},
	{"Within how many hours are breaches reported?", 13},
	{"How do I restore a deleted file?", 14},
	{"Are photos allowed in the lab?", 15},
	{"Where do we meet when there is a fire?", 16},
	{"Where is the nearest defibrillator?", 17},
	{"How much money is there for conferences?", 18},
	{"When is the bonus paid?", 19},
	{"How much does the employer contribute to the pension?", 20},
	{"What is the notice period during probation?", 21},
	{"Can I resign by e-mail?", 21},
	{"Who owns what I invent?", 22},
	{"Up to what value may I accept gifts?", 23},
	{"I am being bullied by a colleague", 24},
	{"May I listen to the radio in the office?", 25},
	{"Can I bring my dogs to the office?", 26},
	{"Wie viel Urlaub bekommen Schwerbehinderte zusätzlich?", 27},
	{"Wohin mit alten Batterien?", 28},
	{"交通費はいくらまで支給されますか", 29},
	{"健康診断の結果は上司に知らされますか", 30},
}

// recall is the share of the questions whose page is among the first n passages.
func recall(t *testing.T, passages []Passage, n int) float64 {
	t.Helper()
	found := 0
	for _, q := range questions {
		if slices.ContainsFunc(Rank(passages, q.ask, n), func(h Hit) bool { return passages[h.At].Page == q.page }) {
			found++
		} else {
			t.Logf("not among %d: page %d for %q", n, q.page, q.ask)
		}
	}
	return float64(found) / float64(len(questions))
}

// Measured when the ranking was made: of 38 questions 32 (84 %) had their page first,
// 37 (97 %) among three; the rest use no word of their page.
func TestRankFindsThePage(t *testing.T) {
	var pages []Page
	for i, text := range strings.Split(handbook, "\f") {
		pages = append(pages, Page{Number: i + 1, Text: text})
	}
	passages := Cut(pages)
	for n, least := range map[int]float64{1: 0.80, 3: 0.90, 5: 0.92} {
		got := recall(t, passages, n)
		t.Logf("recall at %d: %.2f", n, got)
		if got < least {
			t.Errorf("recall at %d is %.2f, less than %.2f", n, got, least)
		}
	}
}
