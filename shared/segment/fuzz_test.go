package segment

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"parley/shared/id"
	"parley/shared/search"
)

// small is a segment of a few messages.
func small(f *testing.F) []byte {
	f.Helper()
	at := time.UnixMilli(1_800_000_000_000)
	var docs []search.Document
	for i := range 150 {
		m := id.Floor(at.Add(time.Duration(i) * time.Second))
		docs = append(docs, search.Document{Doc: search.Doc{Chat: m, Message: m}, Text: "a word, another word, and a third: words\nDia yang bekerja untuk pekerjaan di sini"})
	}
	var b bytes.Buffer
	if _, err := Build(f.Context(), &b, docs); err != nil {
		f.Fatal(err)
	}
	return b.Bytes()
}

// Whatever is opened, it is corrupt or can be read, and nothing panics.
func FuzzOpen(f *testing.F) {
	whole := small(f)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(bytes.ReplaceAll(whole, []byte("lists"), []byte("words")))
	f.Fuzz(func(t *testing.T, file []byte) {
		s, err := Open(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			if !errors.Is(err, search.ErrCorrupt) {
				t.Error(err)
			}
			return
		}
		var all []search.List
		for _, prefix := range []string{"wo", "di", "kerj", "words"} {
			begin, failed := s.Begin(prefix, 10)
			all, err = append(all, begin...), errors.Join(err, failed)
		}
		for _, word := range []string{"word", "kerja", "\x01ruser"} {
			list, failed := s.Find(word)
			if err = errors.Join(err, failed); list != nil {
				all = append(all, list)
			}
		}
		for _, list := range all {
			walk, failed := list.Walk(true)
			for ok := failed == nil; ok; {
				if _, ok, failed = walk.Next(0); ok && failed == nil {
					_, failed = walk.Places(nil)
				}
			}
			err = errors.Join(err, failed)
		}
		for n := range min(s.Docs(), 1000) {
			_, failed := s.Doc(n)
			err = errors.Join(err, failed)
		}
		if err != nil && !errors.Is(err, search.ErrCorrupt) {
			t.Error(err)
		}
	})
}

// What was packed comes back, and what wasn't is refused or at most as much as it says.
func FuzzDecodeDocs(f *testing.F) {
	one, other := id.Floor(time.UnixMilli(1)), id.Floor(time.UnixMilli(2))
	f.Add(encodeDocs([]search.Doc{{Chat: one, Message: one, Kind: search.Title}, {Chat: one, Message: one}, {Chat: other, Message: id.Next(one), Kind: search.File}}))
	f.Add([]byte{0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, packed []byte) {
		decode := func(packed []byte) (docs []search.Doc, err error) {
			err = decodeDocs(packed, func(d packedDoc) { docs = append(docs, d.doc()) })
			return docs, err
		}
		docs, err := decode(packed)
		if err != nil {
			if !errors.Is(err, errDocs) {
				t.Error(err)
			}
			return
		}
		if len(docs) > perPart {
			t.Errorf("%d documents", len(docs))
		}
		again, err := decode(encodeDocs(docs))
		if d := cmp.Diff(docs, again); d != "" || err != nil {
			t.Errorf("%v %s", err, d)
		}
	})
}

// A list is walked in order and to its end, or is refused, whatever it is made of.
func FuzzList(f *testing.F) {
	f.Add([]byte{0x55, 0xaa, 0x01}, uint16(40), uint16(0), true)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, uint16(1), uint16(3), false)
	f.Add(bytes.Repeat([]byte{0}, 40), uint16(300), uint16(1), true)
	for _, n := range []int{3, 300} {
		var g gathering
		for doc := range n {
			g.noteAt(doc, 1, g.form("bread"))
			g.noteAt(doc, 3+doc%2, g.form(ways[doc%3]))
		}
		out := packing{lengths: slices.Repeat([]int{7}, n)}
		new(rules).commonest(map[string]*gathering{"bread": &g})
		g.pack(&out)
		f.Add(slices.Concat(out.end()...), uint16(n), uint16(2), true)
	}
	f.Fuzz(func(t *testing.T, in []byte, total, only uint16, places bool) {
		s := &Segment{facts: facts{Docs: int(total)}, lengths: bytes.Repeat([]byte{7, 0}, int(total)), lists: inMemory(in)}
		e, err := s.entry(s.only())
		var l search.Postings
		if err == nil {
			for i := 0; only > 0 && i < len(e.forms); i++ {
				e.only = append(e.only, only>>(i%16)&1 == 1)
			}
			l, err = e.Walk(places)
		}
		last := -1
		for steps := 0; err == nil; steps++ {
			var p search.Posting
			var ok bool
			if p, ok, err = l.Next(0); !ok {
				break
			}
			if p.Doc <= last || p.Doc >= int(total) || p.Times < 1 || steps >= e.count {
				t.Fatalf("%+v after document %d of %d", p, last, total)
			}
			last = p.Doc
			if places && e.placed && err == nil {
				var at []int
				if at, err = l.Places(nil); err == nil && (len(at) != p.Times || !slices.IsSorted(at) || at[0] < 0) {
					t.Fatalf("%+v stands at %v", p, at)
				}
			}
		}
		if err != nil && !errors.Is(err, search.ErrCorrupt) && !errors.Is(s.lists.corrupt(err), search.ErrCorrupt) {
			t.Error(err)
		}
	})
}

// What was packed into a list comes back.
func FuzzPacking(f *testing.F) {
	f.Add([]byte{1, 2, 3, 0, 5, 200, 7}, true)
	f.Add(bytes.Repeat([]byte{1, 255, 0}, 140), true)
	f.Add(bytes.Repeat([]byte{1}, 100), false)
	f.Fuzz(func(t *testing.T, in []byte, placed bool) {
		if len(in) == 0 || len(in) > 2000 {
			return
		}
		m := made{bare: !placed}
		doc := -1
		for n, b := range in { // a document for each byte, with as many places as its lowest bits say
			doc += int(b) + 1
			p := at{Doc: doc}
			for place, i := -1, 0; placed && i <= int(b&7); i++ {
				x := in[(n+i)%len(in)]
				place += 1 + int(x)*300
				p.Places, p.forms = append(p.Places, place), append(p.forms, int(x)%len(ways))
			}
			m.want = append(m.want, p)
		}
		for n := range doc + 1 {
			m.lengths = append(m.lengths, min(65535, 1+int(in[n%len(in)])*257))
		}
		m.test(t)
	})
}

// A word is made again of its stem and the rule.
func FuzzRule(f *testing.F) {
	f.Add("run", "running")
	f.Add("kerja", "pekerjaan")
	f.Add("tulis", "menulis")
	f.Add("happi", "happy")
	f.Add("книг", "книги")
	f.Add("a", "b")
	f.Fuzz(func(t *testing.T, stem, written string) {
		if !utf8.ValidString(stem) || !utf8.ValidString(written) || strings.ContainsAny(stem+written, "\t\n") {
			return
		}
		r := ruleOf(stem, written)
		got, ok := r.of(stem)
		if got != written || !ok {
			t.Fatalf("%q of %q by %+v: %q %t", written, stem, r, got, ok)
		}
		all := rules{used: []bool{true}, list: []rule{r}}
		if list, err := decodeRules(all.encode()); err != nil || !slices.Equal(list, all.list) {
			t.Errorf("%v, not %v: %v", list, all.list, err)
		}
		s := Segment{endings: endingsOf(all.list)}
		for n := 1; n <= len(written) && !r.moved(); n++ {
			if begin := written[:n]; !strings.HasPrefix(stem, begin) && !slices.Contains(s.stems(begin), stem) {
				t.Errorf("%q isn't among %q, which begin with %q", stem, s.stems(begin), begin)
			}
		}
	})
}

// A dictionary is refused or its words are found, in order, whatever it is made of.
func FuzzDictionary(f *testing.F) {
	var d dictionaryWriter
	for n := range 40 {
		d.add(fmt.Sprintf("word%02d", n), int64(n))
	}
	d.add(movedMark+"moved", 3)
	f.Add(d.b, int64(39*40/2))
	f.Add([]byte{0, 1, 'a', 1, 0, 1, 'b', 1}, int64(2))
	f.Add([]byte{0, 0, 1}, int64(1))
	f.Fuzz(func(t *testing.T, b []byte, lists int64) {
		d, err := readDictionary(b, lists)
		if err != nil {
			return
		}
		last, list, n := "", int64(0), 0
		c := d.seek("")
		for more := c != nil; more; more = c.next() {
			word := string(c.word)
			if n > 0 && word <= last || c.n != n+1 {
				t.Fatalf("word %d, %q, follows %q", c.n, word, last)
			}
			if !c.moved() && c.list != list {
				t.Fatalf("the list of %q is at %d, not %d", word, c.list, list)
			}
			if found := d.get(word); found == nil || found.n != c.n || found.list != c.list {
				t.Fatalf("%q isn't found", word)
			}
			if c.moved() {
				if s := c.stem(); s.moved() || int64(s.n) != c.number+1 {
					t.Fatalf("%q has the stem %q", word, s.word)
				}
			} else {
				list += c.size
			}
			last = word
			n++
		}
	})
}

// What is similar is what search.Distance says.
func FuzzSimilar(f *testing.F) {
	f.Add("bread", "bread breda brad breads broad bear read", uint8(1))
	f.Add("книга", "книга кинга книги книг к", uint8(2))
	f.Add("aaaa", "a aa aaa aaaa aaaaa aaaaaa ab aba abab bbbb", uint8(2))
	f.Fuzz(func(t *testing.T, word, text string, edits uint8) {
		if !utf8.ValidString(word) || !utf8.ValidString(text) || edits > 3 || word == "" {
			return
		}
		all := slices.Sorted(slices.Values(strings.Fields(text)))
		all = slices.Compact(all)
		var w dictionaryWriter
		var want []string
		_, size := utf8.DecodeRuneInString(word)
		for _, other := range all {
			w.add(other, 1)
			if strings.HasPrefix(other, word[:size]) && search.Distance(word, other, int(edits)) <= int(edits) {
				want = append(want, other)
			}
		}
		d, err := readDictionary(w.b, int64(len(all)))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		d.similar(word, int(edits), func(other string) bool { got = append(got, other); return true })
		if !slices.Equal(got, want) {
			t.Errorf("%q are like %q, not %q", got, word, want)
		}
	})
}

// So it is among many words.
func TestSimilarWordsAreFoundAmongMany(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 1))
	words := map[string]bool{}
	for len(words) < 20_000 {
		var b strings.Builder
		for range 1 + r.IntN(9) {
			b.WriteRune([]rune("abcdeé")[r.IntN(6)])
		}
		words[b.String()] = true
	}
	all := slices.Sorted(maps.Keys(words))
	var w dictionaryWriter
	for _, word := range all {
		w.add(word, 1)
	}
	d, err := readDictionary(w.b, int64(len(all)))
	if err != nil {
		t.Fatal(err)
	}
	for range 60 {
		word, edits := all[r.IntN(len(all))], 1+r.IntN(2)
		_, size := utf8.DecodeRuneInString(word)
		var got, want []string
		for _, other := range all {
			if strings.HasPrefix(other, word[:size]) && search.Distance(word, other, edits) <= edits {
				want = append(want, other)
			}
		}
		d.similar(word, edits, func(other string) bool { got = append(got, other); return true })
		if !slices.Equal(got, want) {
			t.Errorf("%d words are like %q by %d edits, not %d", len(got), word, edits, len(want))
		}
	}
}
