package search

import (
	"slices"
	"strings"
	"unicode/utf8"

	"parley/shared/words"
)

// Rest is the Index of what no segment has yet. It is made for one query and notes
// only what that asks for, which takes a fraction of the time that an index of all
// words would.
type Rest struct {
	docs    []Document
	lengths []int
	tokens  int
	memory  words.Memory
	found   map[string][]Posting
	begin   []string // beginnings that are asked for
}

// NewRest returns the index of documents for a query. It sorts the documents.
func NewRest(docs []Document, q Query) *Rest {
	r := &Rest{docs: docs, lengths: make([]int, len(docs)), found: map[string][]Posting{}}
	slices.SortStableFunc(r.docs, func(a, b Document) int { return strings.Compare(a.Message, b.Message) })
	for _, c := range slices.Concat(q.All, q.None) {
		for _, w := range c.Words {
			for _, form := range w.Forms {
				r.found[form] = nil
			}
			if w.Prefix != "" {
				r.begin = append(r.begin, w.Prefix)
			}
		}
	}
	r.scan(func(word string) bool {
		_, asked := r.found[word]
		return asked || slices.ContainsFunc(r.begin, func(p string) bool { return strings.HasPrefix(word, p) })
	})
	for n, d := range r.docs {
		r.tokens += r.lengths[n]
		for _, mark := range d.Marks() {
			r.found[mark] = append(r.found[mark], Posting{Doc: n, Times: 1, Length: r.lengths[n]})
		}
	}
	return r
}

// scan goes through all texts and notes the words that are wanted.
func (r *Rest) scan(wanted func(word string) bool) {
	for n, d := range r.docs {
		place := 0
		var seen []string
		for t := range r.memory.Tokens(d.Text) {
			if wanted(t.Word) {
				list := r.found[t.Word]
				if last := len(list) - 1; last < 0 || list[last].Doc != n {
					list = append(list, Posting{Doc: n})
					seen = append(seen, t.Word)
				}
				p := &list[len(list)-1]
				p.Times++
				p.Places = append(p.Places, place)
				r.found[t.Word] = list
			}
			place++
		}
		r.lengths[n] = place
		for _, word := range seen {
			list := r.found[word]
			list[len(list)-1].Length = place
		}
	}
}

// Docs implements Index.
func (r *Rest) Docs() int { return len(r.docs) }

// Tokens implements Index.
func (r *Rest) Tokens() int { return r.tokens }

// Doc implements Index.
func (r *Rest) Doc(n int) (Doc, error) { return r.docs[n].Doc, nil }

// Postings implements Index. A word that the query didn't have takes another walk
// through all texts.
func (r *Rest) Postings(word string, _ bool) (Postings, error) {
	list, asked := r.found[word]
	if !asked && !strings.HasPrefix(word, "\x01") {
		r.scan(func(w string) bool { return w == word })
		list = r.found[word]
		r.found[word] = list
	}
	if len(list) == 0 {
		return nil, nil
	}
	return &listed{list: list}, nil
}

// Begin implements Index.
func (r *Rest) Begin(prefix string, most int) ([]string, error) {
	var all []string
	for word, list := range r.found {
		if strings.HasPrefix(word, prefix) && len(list) > 0 {
			all = append(all, word)
		}
	}
	slices.Sort(all)
	return all[:min(most, len(all))], nil
}

// Similar implements Index.
func (r *Rest) Similar(word string, edits, most int) ([]string, error) {
	first, _ := utf8.DecodeRuneInString(word)
	seen := map[string]bool{}
	var all []string
	for _, d := range r.docs {
		for t := range r.memory.Tokens(d.Text) {
			if one, _ := utf8.DecodeRuneInString(t.Word); one != first || seen[t.Word] {
				continue
			}
			seen[t.Word] = true
			if Distance(word, t.Word, edits) <= edits {
				all = append(all, t.Word)
			}
		}
	}
	slices.Sort(all)
	return all[:min(most, len(all))], nil
}

// Distance is how many characters have to be added, taken away, changed or swapped
// with their neighbour to make b of a; where it is more than most, anything above.
func Distance(a, b string, most int) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) > most || len(y)-len(x) > most {
		return most + 1
	}
	var before []int
	line := make([]int, len(y)+1)
	for j := range line {
		line[j] = j
	}
	for i := range x {
		next := make([]int, len(y)+1)
		next[0] = i + 1
		for j := range y {
			same := line[j]
			if x[i] != y[j] {
				same++
			}
			next[j+1] = min(same, line[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, line = line, next
	}
	return line[len(y)]
}

// listed walks postings that are in memory.
type listed struct {
	list []Posting
	at   int
}

// Count implements Postings.
func (l *listed) Count() int { return len(l.list) }

// Next implements Postings.
func (l *listed) Next(from int) (Posting, bool, error) {
	for l.at < len(l.list) && l.list[l.at].Doc < from {
		l.at++
	}
	if l.at == len(l.list) {
		return Posting{}, false, nil
	}
	l.at++
	return l.list[l.at-1], true, nil
}
