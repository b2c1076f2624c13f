package segment

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"parley/shared/search"
)

// Whatever is written is read, also numbers that nobody expects.
func TestBitsAreReadAsTheyWereWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var numbers []uint64
	for _, most := range []int64{1, 2, 20, 300, 70_000, 1 << 24} {
		for range 200 {
			numbers = append(numbers, uint64(r.Int64N(most)))
		}
	}
	for rest := range maxRest + 1 {
		var w bitWriter
		for _, n := range numbers {
			w.rice(n, rest)
			w.gamma(n + 1)
		}
		w.end()
		in := bitReader{b: w.b}
		for i, n := range numbers {
			if got, more := in.rice(rest), in.gamma(); got != n || more != n+1 {
				t.Fatalf("%d bits, number %d: %d and %d, not %d and %d", rest, i, got, more, n, n+1)
			}
		}
		if in.past() || in.at <= 8*(len(w.b)-1) {
			t.Errorf("%d bits: read %d bits of %d bytes", rest, in.at, len(w.b))
		}
		in.rice(rest)
		in.rice(rest)
		for range 8 {
			in.gamma()
		}
		if !in.past() {
			t.Errorf("%d bits: more was read than there is, and nothing tells", rest)
		}
	}
}

// So are numbers of which only the size is known, and what lies between them is skipped.
func TestUnaryNumbersAreReadAndSkipped(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, most := range []int{0, 1, 2, 5, 31, 32, 57, 58, 64, 300} {
		var numbers []int
		var known, plain bitWriter
		known.put(5, 3)
		plain.put(0, 3)
		for range 300 {
			n := r.IntN(most + 1)
			numbers = append(numbers, n)
			known.upTo(n, most)
			plain.unary(uint64(n))
		}
		var both bitWriter
		both.append(&known)
		both.append(&plain)
		both.end()
		in := bitReader{b: both.b, at: 3}
		for i, n := range numbers {
			if got := in.upTo(most); got != n {
				t.Fatalf("up to %d, number %d: %d, not %d", most, i, got, n)
			}
		}
		if in.at != known.len() {
			t.Errorf("up to %d: %d bits of %d", most, in.at, known.len())
		}
		skip, sum := in.at+3, 0
		for i, n := range numbers {
			at := bitReader{b: both.b, at: skip}
			if sum += n + 1; !at.ones(i+1) || at.at != skip+sum {
				t.Fatalf("behind %d numbers up to %d: at %d, not %d", i+1, most, at.at-skip, sum)
			}
		}
		if in.ones(len(numbers) + 1) {
			t.Errorf("there is one more than was written")
		}
	}
}

// What was gathered is what a list walks, from any document on, in any of its forms.
func TestListsAreReadAsTheyWereGathered(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	for _, docs := range []int{1, 2, perBlock - 1, perBlock, perBlock + 1, 2 * perBlock, 1000} {
		for _, ways := range []int{1, 2, 5} {
			m := made{lengths: make([]int, 4*docs)}
			for n := range m.lengths {
				m.lengths[n] = 1 + r.IntN(700)
			}
			for _, doc := range slices.Sorted(slices.Values(r.Perm(4 * docs)[:docs])) {
				p := at{Doc: doc}
				for place := range m.lengths[doc] {
					if r.IntN(20) == 0 || place == 0 {
						p.Places, p.forms = append(p.Places, place), append(p.forms, min(int(r.ExpFloat64()*2), ways-1))
					}
				}
				m.want = append(m.want, p)
			}
			m.test(t)
		}
	}
}

// at is a document with the places of a word, and which form it has at each.
type at struct {
	Doc    int
	Places []int
	forms  []int
}

// made is what a list is made of.
type made struct {
	lengths []int
	want    []at
	bare    bool // no places
}

var ways = strings.Fields("bread breads breading bred unbread rebreads Brot pan")

// test writes the list and reads it in several ways.
func (m made) test(t *testing.T) {
	t.Helper()
	var g gathering
	used := map[int]int{} // documents by form
	for _, p := range m.want {
		if m.bare {
			g.note(p.Doc)
		}
		for i, place := range p.Places {
			g.noteAt(p.Doc, place, g.form(ways[p.forms[i]]))
		}
		for _, f := range slices.Compact(slices.Sorted(slices.Values(p.forms))) {
			used[f]++
		}
	}
	out := packing{lengths: m.lengths}
	var all rules
	all.commonest(map[string]*gathering{ways[0]: &g})
	g.pack(&out)
	packed := make([]byte, 2*len(m.lengths))
	for n, length := range m.lengths {
		binary.LittleEndian.PutUint16(packed[2*n:], uint16(min(length, math.MaxUint16)))
	}
	s := &Segment{facts: facts{Docs: len(m.lengths)}, lengths: packed, rules: all.list}
	s.lists = inMemory(slices.Concat(out.end()...))
	e, err := s.entry(s.only())
	if err != nil {
		t.Fatal(err)
	}
	if e.count != len(m.want) || e.Count() != e.count || e.placed == m.bare || len(e.forms) != len(used) {
		t.Fatalf("%d documents and %d forms, not %d and %d", e.count, len(e.forms), len(m.want), len(used))
	}
	for _, from := range []int{1, 7, 500} { // how far each step goes
		for _, places := range []bool{true, false} {
			m.walk(t, e, from, places && !m.bare, nil)
		}
	}
	for prefix := range map[string]bool{"bread": true, "breadi": true, "b": true, "re": true, "P": true} {
		only := map[int]bool{}
		some, err := s.entry(s.only())
		if err == nil {
			err = some.begins(ways[0], prefix)
		}
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for f, n := range used {
			if only[f] = strings.HasPrefix(ways[f], prefix); only[f] {
				count += n
			}
		}
		if some.Count() != count {
			t.Errorf("%s*: %d documents, not %d", prefix, some.Count(), count)
		}
		if count > 0 {
			m.walk(t, some, 1, true, only)
			m.walk(t, some, 200, true, only)
			m.walk(t, some, 1, false, only)
		}
	}
}

// walk compares what a list has, of those forms, with what was put into it.
func (m made) walk(t *testing.T, e *entry, step int, places bool, only map[int]bool) {
	t.Helper()
	l, err := e.Walk(places)
	if err != nil {
		t.Fatal(err)
	}
	from := 0
	for _, w := range m.want {
		want := search.Posting{Doc: w.Doc, Times: len(w.Places), Length: min(m.lengths[w.Doc], math.MaxUint16)}
		stand := w.Places
		if m.bare {
			want.Times = 1
		}
		if only != nil {
			stand = nil
			for i, f := range w.forms {
				if only[f] {
					stand = append(stand, w.Places[i])
				}
			}
			want.Times = len(stand)
		}
		if w.Doc < from || want.Times == 0 {
			continue
		}
		got, ok, err := l.Next(from)
		if err != nil || !ok || got != want {
			t.Fatalf("from %d on: %+v %t %v, not %+v", from, got, ok, err, want)
		}
		if places && w.Doc%3 > 0 { // not all of them
			if there, err := l.Places(nil); err != nil || !slices.Equal(there, stand) {
				t.Fatalf("document %d: %v %v, not %v", w.Doc, there, err, stand)
			}
		}
		from = w.Doc + step
	}
	if p, ok, err := l.Next(from); ok || err != nil {
		t.Fatalf("%+v %v behind the end", p, err)
	}
}

// inMemory is an entry that has no checksums to be wrong.
func inMemory(b []byte) *pieces {
	s := summed{to: io.Discard}
	s.Write(b)
	return &pieces{failing: &failing{ReaderAt: bytes.NewReader(b)}, size: int64(len(b)), sums: s.end(), kept: map[int64][]byte{}}
}

// only is a cursor at the word of a segment that has no other.
func (s *Segment) only() *cursor { return &cursor{size: s.lists.size} }
