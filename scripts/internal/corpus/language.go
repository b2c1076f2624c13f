package corpus

import (
	_ "embed"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

//go:embed words.txt
var wordLists string

// language is how one of them is written.
type language struct {
	name      string
	share     int // of 100 chats
	forms     int // words that there are
	gap       string
	comma     string
	stop      string
	words     []string // the commonest first
	functions int      // so many of these are function words
	sums      []float64
}

// tongues are those of the chats. Their shares are of a user who mainly writes English.
func tongues() []*language {
	const western, eastern = " ", ""
	all := []*language{
		{name: "en", share: 70, forms: 60_000, gap: western, comma: ",", stop: "."},
		{name: "es", share: 3, forms: 20_000, gap: western, comma: ",", stop: "."},
		{name: "pt", share: 3, forms: 20_000, gap: western, comma: ",", stop: "."},
		{name: "fr", share: 3, forms: 20_000, gap: western, comma: ",", stop: "."},
		{name: "de", share: 3, forms: 20_000, gap: western, comma: ",", stop: "."},
		{name: "id", share: 3, forms: 20_000, gap: western, comma: ",", stop: "."},
		{name: "ru", share: 3, forms: 20_000, gap: western, comma: ",", stop: "."},
		{name: "hi", share: 3, forms: 20_000, gap: western, comma: ",", stop: " ।"},
		{name: "zh", share: 3, forms: 8_000, gap: eastern, comma: "，", stop: "。"},
		{name: "ja", share: 3, forms: 8_000, gap: eastern, comma: "、", stop: "。"},
		{name: "ko", share: 3, forms: 20_000, gap: western, comma: ",", stop: "."},
	}
	for n, l := range all {
		l.fill(rand.New(rand.NewPCG(uint64(n), 1)))
	}
	return all
}

// fill makes the language's words: the real ones, then others out of their beginnings
// and ends.
func (l *language) fill(r *rand.Rand) {
	var endings []string
	for line := range strings.Lines(wordLists) {
		head, list, _ := strings.Cut(line, ":")
		switch name, kind, _ := strings.Cut(head, " "); {
		case name != l.name:
		case kind == "endings":
			endings = strings.Fields(list)
		default:
			l.words = append(l.words, strings.Fields(list)...)
			if kind == "function" {
				l.functions = len(l.words)
			}
		}
	}
	endings = append(endings, "", "")
	seen := map[string]bool{}
	l.words = slices.DeleteFunc(l.words, func(w string) bool { defer func() { seen[w] = true }(); return seen[w] })
	real := l.words[l.functions:]
	for len(l.words) < l.forms {
		word := begin(real[r.IntN(len(real))], r) + end(real[r.IntN(len(real))], r)
		if 2*len(l.words) > l.forms && r.IntN(2) == 0 { // the rarer the longer
			word = begin(real[r.IntN(len(real))], r) + strings.ToLower(word)
		}
		word += endings[r.IntN(len(endings))]
		if !seen[word] && utf8.RuneCountInString(word) > 1 {
			seen[word] = true
			l.words = append(l.words, word)
		}
	}
	sum := 0.0
	for k := range l.words {
		sum += math.Pow(float64(k)+2.7, -1.07) // Zipf's law as Mandelbrot has it
		l.sums = append(l.sums, sum)
	}
}

// begin is a word without its end, end one without its beginning.
func begin(word string, r *rand.Rand) string {
	c := []rune(word)
	return string(c[:1+r.IntN(len(c))])
}

func end(word string, r *rand.Rand) string {
	c := []rune(word)
	return strings.ToLower(string(c[r.IntN(len(c)):]))
}

// draw returns the number of a word, the commoner the more often.
func (l *language) draw(r *rand.Rand) int {
	return sort.SearchFloat64s(l.sums, r.Float64()*l.sums[len(l.sums)-1])
}
