package segment

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
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

// What was gathered is what a list walks.
func TestListsAreReadAsTheyWereGathered(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	for _, docs := range []int{1, 2, short - 1, short, 500} {
		type at struct {
			Doc    int
			Places []int
		}
		lengths, packed := make([]int, 4*docs), make([]byte, 8*docs)
		for n := range lengths {
			lengths[n] = 1 + r.IntN(700)
			packed[2*n], packed[2*n+1] = byte(lengths[n]), byte(lengths[n]>>8)
		}
		var want []at
		var g gathering
		for _, doc := range r.Perm(4 * docs)[:docs] {
			want = append(want, at{Doc: doc})
		}
		slices.SortFunc(want, func(a, b at) int { return a.Doc - b.Doc })
		for i := range want {
			for place := range lengths[want[i].Doc] {
				if r.IntN(20) == 0 || place == 0 {
					want[i].Places = append(want[i].Places, place)
					g.noteAt(want[i].Doc, place)
				}
			}
		}
		out := packing{lengths: lengths}
		g.pack(&out)
		parts := out.end()
		for _, wanted := range []bool{true, false} {
			l := &list{count: docs, left: docs, lengths: packed, gap: gap(4*docs, docs), placed: true, wanted: wanted, doc: -1, docs: &bitReader{b: parts[1]}}
			if l.places = l.docs; docs >= short {
				if l.places = nil; wanted {
					l.places = &bitReader{b: parts[2]}
				}
			}
			var got []at
			for {
				p, ok, err := l.Next(0)
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					break
				}
				got = append(got, at{p.Doc, slices.Clone(p.Places)})
			}
			if !wanted {
				for i := range got {
					got[i].Places = want[i].Places
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%d documents: %s", docs, d)
			}
		}
	}
}
