package search

import (
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// Rest is the Index of what no segment has yet. It is made for one query and notes
// only what that asks for.
type Rest struct {
	docs       []Document
	texts      [][]uint32 // words of each, by number
	vocabulary []string   // by number; some are in no text of these
	tokens     int
	found      map[string][]Posting
}

// NewRest returns the index of documents for a query. It sorts the documents.
func NewRest(docs []Document, q Query) *Rest { return new(Taken).Rest(docs, q) }

// Rest is like the function NewRest, and takes only those texts apart that it doesn't
// know.
func (t *Taken) Rest(docs []Document, q Query) *Rest {
	r := &Rest{docs: docs, found: map[string][]Posting{}}
	slices.SortStableFunc(r.docs, func(a, b Document) int { return strings.Compare(a.Message, b.Message) })
	r.texts, r.vocabulary = t.apart(r.docs)
	var begin []string
	for _, c := range slices.Concat(q.All, q.None) {
		for _, w := range c.Words {
			for _, form := range w.Forms {
				r.found[form] = nil
			}
			if w.Prefix != "" {
				begin = append(begin, w.Prefix)
			}
		}
	}
	r.scan(func(word string) bool {
		_, asked := r.found[word]
		return asked || slices.ContainsFunc(begin, func(p string) bool { return strings.HasPrefix(word, p) })
	})
	for n, d := range r.docs {
		length := len(r.texts[n])
		r.tokens += length
		for _, mark := range d.Marks() {
			r.found[mark] = append(r.found[mark], Posting{Doc: n, Times: 1, Length: length})
		}
	}
	return r
}

// scan goes through all texts and notes the words that are wanted.
func (r *Rest) scan(wanted func(word string) bool) {
	lists := map[uint32][]Posting{}
	is := make([]bool, len(r.vocabulary))
	for number, word := range r.vocabulary {
		is[number] = wanted(word)
	}
	for n, text := range r.texts {
		for place, number := range text {
			if !is[number] {
				continue
			}
			list := lists[number]
			if last := len(list) - 1; last < 0 || list[last].Doc != n {
				list = append(list, Posting{Doc: n, Length: len(text)})
			}
			p := &list[len(list)-1]
			p.Times++
			p.Places = append(p.Places, place)
			lists[number] = list
		}
	}
	for number, list := range lists {
		r.found[r.vocabulary[number]] = list
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
	_, size := utf8.DecodeRuneInString(word)
	like := map[uint32]bool{}
	for number, other := range r.vocabulary {
		if strings.HasPrefix(other, word[:size]) && Distance(word, other, edits) <= edits {
			like[uint32(number)] = true
		}
	}
	if len(like) == 0 {
		return nil, nil
	}
	var all []string
	for _, text := range r.texts {
		for _, number := range text {
			if like[number] {
				delete(like, number)
				all = append(all, r.vocabulary[number])
			}
		}
	}
	slices.Sort(all)
	return all[:min(most, len(all))], nil
}

// Distance is how many characters have to be added, taken away, changed or swapped
// with their neighbour to make b of a; where it is more than most, anything above.
func Distance(a, b string, most int) int {
	one, other := letters(a), letters(b)
	if bits.OnesCount64(one&^other) > most || bits.OnesCount64(other&^one) > most { // an edit changes one of each at most
		return most + 1
	}
	x, y := []rune(a), []rune(b)
	lines := make([]int, 3*(len(y)+1)) // of the table: the one before the last, the last, the next
	cut := func(n int) []int { return lines[n*(len(y)+1) : (n+1)*(len(y)+1)] }
	before, line, next := cut(0), cut(1), cut(2)
	for j := range line {
		line[j] = j
	}
	for i := range x {
		next[0] = i + 1
		least := next[0]
		for j := range y {
			same := line[j]
			if x[i] != y[j] {
				same++
			}
			next[j+1] = min(same, line[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
			least = min(least, next[j+1])
		}
		if least > most+1 { // two neighbours that change places may still make it one less
			return most + 1
		}
		before, line, next = line, next, before
	}
	return line[len(y)]
}

// letters is the set of a word's characters; some share a bit.
func letters(word string) (set uint64) {
	for _, r := range word {
		set |= 1 << (r % 64)
	}
	return set
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
