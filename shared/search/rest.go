package search

import (
	"cmp"
	"context"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"

	"parley/shared/words"
)

// Rest is the Index of what no segment has yet. It is made for one query and notes
// only what that asks for.
type Rest struct {
	docs    []Document
	texts   [][]uint32 // words of each, by number
	taken   *Taken     // has the lock for the lexicon
	lexicon *words.Lexicon
	tokens  int
	words   map[string]*listed     // those that were asked for; marks
	forms   map[words.Form]*listed // those that begin as was asked for
}

// NewRest returns the index of documents for a query. It sorts the documents.
func NewRest(docs []Document, q Query) *Rest { return new(Taken).Rest(docs, q) }

// Rest is like the function NewRest, and takes only those texts apart that it doesn't
// know.
func (t *Taken) Rest(docs []Document, q Query) *Rest {
	r := &Rest{docs: docs, taken: t, words: map[string]*listed{}, forms: map[words.Form]*listed{}}
	slices.SortStableFunc(r.docs, func(a, b Document) int { return strings.Compare(a.Message, b.Message) })
	r.texts, r.lexicon = t.apart(r.docs)
	var asked, beginnings []string
	for _, c := range slices.Concat(q.All, q.None) {
		for _, w := range c.Words {
			asked = append(asked, w.Forms...)
			if w.Prefix != "" {
				beginnings = append(beginnings, w.Prefix)
			}
		}
	}
	r.scan(asked, beginnings)
	for n, d := range r.docs {
		r.tokens += len(r.texts[n])
		for _, mark := range d.Marks() {
			r.list(mark).add(Posting{Doc: n, Times: 1, Length: len(r.texts[n])})
		}
	}
	return r
}

// list returns the list of a word, a new one if there is none.
func (r *Rest) list(word string) *listed { return listOf(r.words, word) }

// listOf returns the list of what is asked for, a new one if there is none.
func listOf[K comparable](lists map[K]*listed, key K) *listed {
	l := lists[key]
	if l == nil {
		l = &listed{}
		lists[key] = l
	}
	return l
}

// scan goes through all texts and notes where words stand, and what begins so.
func (r *Rest) scan(asked, beginnings []string) {
	to := r.sought(asked, beginnings)
	if to == nil {
		return
	}
	for n, text := range r.texts {
		for place, number := range text {
			for _, l := range to[number] {
				l.addAt(n, place, len(text))
			}
		}
	}
}

// sought returns by number the lists that a word is to be noted in; nil if no word is.
func (r *Rest) sought(asked, beginnings []string) (to [][]*listed) {
	r.taken.mu.Lock()
	defer r.taken.mu.Unlock()
	note := func(number uint32, l *listed) {
		if to == nil {
			to = make([][]*listed, r.lexicon.Len())
		}
		if !slices.Contains(to[number], l) {
			to[number] = append(to[number], l)
		}
	}
	for _, word := range asked {
		l := r.list(word)
		for number, f := range r.lexicon.Words(word) {
			if f.Word == word {
				note(number, l)
			}
		}
	}
	for _, begin := range beginnings {
		for number, f := range r.lexicon.Written(begin) {
			note(number, listOf(r.forms, f))
		}
	}
	return to
}

// Docs implements Index.
func (r *Rest) Docs() int { return len(r.docs) }

// Tokens implements Index.
func (r *Rest) Tokens() int { return r.tokens }

// Doc implements Index.
func (r *Rest) Doc(n int) (Doc, error) { return r.docs[n].Doc, nil }

// Find implements Index. A word that the query didn't have takes another walk
// through all texts.
func (r *Rest) Find(word string) (List, error) {
	l, asked := r.words[word]
	if !asked && !strings.HasPrefix(word, "\x01") {
		r.scan([]string{word}, nil)
		l = r.words[word]
	}
	if l == nil || len(l.list) == 0 {
		return nil, nil
	}
	return l, nil
}

// Fetch implements Remote: one walk through all texts for all words that the query didn't
// have.
func (r *Rest) Fetch(_ context.Context, needs []Need) error {
	var words []string
	for _, n := range needs {
		if _, asked := r.words[n.Word]; !asked && n.Word != "" {
			words = append(words, n.Word)
		}
	}
	if words != nil {
		r.scan(words, nil)
	}
	return nil
}

// Begin implements Index; only what the query asked for is found.
func (r *Rest) Begin(prefix string, most int) (all []List, err error) {
	var forms []words.Form
	for f, l := range r.forms {
		if strings.HasPrefix(f.Written, prefix) && len(l.list) > 0 {
			forms = append(forms, f)
		}
	}
	slices.SortFunc(forms, func(a, b words.Form) int {
		return cmp.Or(strings.Compare(a.Word, b.Word), strings.Compare(a.Written, b.Written))
	})
	for _, f := range forms[:min(most, len(forms))] {
		all = append(all, r.forms[f])
	}
	return all, nil
}

// Similar implements Index.
func (r *Rest) Similar(word string, edits, most int) ([]string, error) {
	like := r.alike(word, edits)
	if len(like) == 0 {
		return nil, nil
	}
	var all []string
	for _, text := range r.texts {
		for _, number := range text {
			if other, ok := like[number]; ok {
				delete(like, number)
				all = append(all, other)
			}
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(most, len(all))], nil
}

// alike returns words that begin with the same character and can be made of it by so
// many edits, by number; some may be in none of the texts.
func (r *Rest) alike(word string, edits int) map[uint32]string {
	r.taken.mu.Lock()
	defer r.taken.mu.Unlock()
	_, size := utf8.DecodeRuneInString(word)
	like, set := map[uint32]string{}, letters(word)
	for number, f := range r.lexicon.Words(word[:size]) {
		if far(set, letters(f.Word)) <= edits && Distance(word, f.Word, edits) <= edits {
			like[number] = f.Word
		}
	}
	return like
}

// Distance is how many characters have to be added, taken away, changed or swapped
// with their neighbour to make b of a; where it is more than most, anything above.
func Distance(a, b string, most int) int {
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

// far is how many edits there are at least between words of these letters: one changes
// one of each at most.
func far(one, other uint64) int {
	return max(bits.OnesCount64(one&^other), bits.OnesCount64(other&^one))
}

// letters is the set of a word's characters; some share a bit.
func letters(word string) (set uint64) {
	for _, r := range word {
		set |= 1 << (r % 64)
	}
	return set
}

// listed is a List in memory.
type listed struct {
	list   []Posting
	ends   []int // of each document's places
	places []int
}

func (l *listed) add(p Posting) { l.list = append(l.list, p) }

// addAt adds a place behind those that are there.
func (l *listed) addAt(doc, place, length int) {
	if n := len(l.list); n == 0 || l.list[n-1].Doc != doc {
		l.add(Posting{Doc: doc, Length: length})
		l.ends = append(l.ends, 0)
	}
	last := len(l.list) - 1
	l.places = append(l.places, place)
	l.list[last].Times++
	l.ends[last] = len(l.places)
}

// Count implements List.
func (l *listed) Count() int { return len(l.list) }

// Walk implements List.
func (l *listed) Walk(bool) (Postings, error) { return &walker{listed: l, at: -1}, nil }

// walker walks a list in memory.
type walker struct {
	*listed
	at int
}

// Next implements Postings.
func (w *walker) Next(from int) (Posting, bool, error) {
	for w.at++; w.at < len(w.list) && w.list[w.at].Doc < from; w.at++ {
	}
	if w.at >= len(w.list) {
		w.at = len(w.list) - 1
		return Posting{}, false, nil
	}
	return w.list[w.at], true, nil
}

// Places implements Postings.
func (w *walker) Places(to []int) ([]int, error) {
	begin := 0
	if w.at > 0 {
		begin = w.ends[w.at-1]
	}
	return append(to, w.places[begin:w.ends[w.at]]...), nil
}
