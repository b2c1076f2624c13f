package segment

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/id"
	"parley/shared/search"
)

// small is a segment of a few messages.
func small(f *testing.F) []byte {
	f.Helper()
	at := time.UnixMilli(1_800_000_000_000)
	var docs []search.Document
	for i := range 40 {
		m := id.Floor(at.Add(time.Duration(i) * time.Second))
		docs = append(docs, search.Document{Doc: search.Doc{Chat: m, Message: m}, Text: "a word, another word, and a third"})
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
		begin, err := s.Begin("wo", 10)
		for _, word := range append(begin, "word", "\x01ruser") {
			list, failed := s.Postings(word, true)
			for ok := list != nil && failed == nil; ok; {
				_, ok, failed = list.Next(0)
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
		docs, err := decodeDocs(packed)
		if err != nil {
			if !errors.Is(err, errDocs) {
				t.Error(err)
			}
			return
		}
		if len(docs) > perPart {
			t.Errorf("%d documents", len(docs))
		}
		again, err := decodeDocs(encodeDocs(docs))
		if d := cmp.Diff(docs, again); d != "" || err != nil {
			t.Errorf("%v %s", err, d)
		}
	})
}

// A list is walked in order and to its end, or is refused, whatever it is made of.
func FuzzList(f *testing.F) {
	f.Add([]byte{0x55, 0xaa, 0x01}, []byte{0x12, 0x34}, uint16(3), uint16(40), true, true)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, []byte(nil), uint16(1), uint16(1), false, false)
	f.Add(bytes.Repeat([]byte{0}, 40), bytes.Repeat([]byte{0xff}, 40), uint16(20), uint16(300), true, true)
	f.Fuzz(func(t *testing.T, docs, places []byte, count, total uint16, placed, wanted bool) {
		l := &list{count: int(count), left: int(count), placed: placed, wanted: placed && wanted, doc: -1,
			gap: gap(int(total), int(count)), lengths: bytes.Repeat([]byte{7, 0}, int(total)), docs: &bitReader{b: docs}}
		switch {
		case placed && count < short:
			l.places = l.docs
		case l.wanted:
			l.places = &bitReader{b: places}
		}
		last := -1
		for steps := 0; ; steps++ {
			p, ok, err := l.Next(0)
			if err != nil && !errors.Is(err, search.ErrCorrupt) {
				t.Error(err)
			}
			if !ok || err != nil {
				return
			}
			if p.Doc <= last || p.Doc >= int(total) || p.Times < 1 || !slices.IsSorted(p.Places) || l.wanted && len(p.Places) != p.Times || steps >= int(count) {
				t.Fatalf("%+v after document %d of %d", p, last, total)
			}
			last = p.Doc
		}
	})
}

// What was packed into a list comes back.
func FuzzPacking(f *testing.F) {
	f.Add([]byte{1, 2, 3, 0, 5, 200, 7}, true)
	f.Add(bytes.Repeat([]byte{1, 255, 0}, 40), true)
	f.Add(bytes.Repeat([]byte{1}, 100), false)
	f.Fuzz(func(t *testing.T, in []byte, placed bool) {
		var want []search.Posting // a document for each byte, with as many places as its lowest bits say
		doc := -1
		for n, b := range in {
			doc += int(b) + 1
			p := search.Posting{Doc: doc, Times: 1}
			if placed {
				for place, i := -1, 0; i <= int(b&7); i++ {
					place += 1 + int(in[(n+i)%len(in)])*300
					p.Places = append(p.Places, place)
				}
				p.Times = len(p.Places)
			}
			p.Length = min(65535, 1+int(b)*257)
			want = append(want, p)
		}
		if len(want) == 0 {
			return
		}
		to := packing{lengths: make([]int, doc+1)}
		lengths := make([]byte, 2*(doc+1))
		for _, p := range want {
			to.lengths[p.Doc] = p.Length
			lengths[2*p.Doc], lengths[2*p.Doc+1] = byte(p.Length), byte(p.Length>>8)
		}
		to.begin(len(want), placed)
		for _, p := range want {
			to.add(p.Doc, p.Places)
		}
		parts := to.end()
		l := &list{count: len(want), left: len(want), placed: placed, wanted: placed, doc: -1, gap: gap(doc+1, len(want)), lengths: lengths, docs: &bitReader{b: parts[1]}}
		switch {
		case placed && l.count < short:
			l.places = l.docs
		case placed:
			l.places = &bitReader{b: parts[2]}
		}
		var got []search.Posting
		for {
			p, ok, err := l.Next(0)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			p.Places = slices.Clone(p.Places)
			got = append(got, p)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}
