package segment

import (
	"archive/zip"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/blevesearch/vellum"
	"github.com/go-json-experiment/json"

	"parley/shared/search"
	"parley/shared/words"
)

// Facts are what a manifest says of a segment.
type Facts struct {
	Docs, Tokens int
	First, Last  string // ids of messages
}

// Build writes a segment of documents, at least one.
func Build(ctx context.Context, to io.Writer, docs []search.Document) (Facts, error) {
	docs = slices.Clone(docs)
	slices.SortStableFunc(docs, func(a, b search.Document) int { return strings.Compare(a.Message, b.Message) })
	var memory words.Memory
	lists := map[string]*gathering{}
	lengths := make([]int, len(docs))
	var names []search.Doc
	for n, d := range docs {
		names = append(names, d.Doc)
		for t := range memory.Tokens(d.Text) {
			listOf(lists, t.Word).noteAt(n, lengths[n])
			lengths[n]++
		}
		for _, mark := range d.Marks() {
			listOf(lists, mark).note(n)
		}
		if err := ctx.Err(); err != nil {
			return Facts{}, err
		}
	}
	w, err := newWriter(to)
	if err != nil {
		return Facts{}, err
	}
	list := &packing{lengths: lengths}
	for _, word := range slices.Sorted(maps.Keys(lists)) {
		lists[word].pack(list)
		w.word([]byte(word), list)
	}
	return w.finish(names, lengths)
}

func listOf(lists map[string]*gathering, word string) *gathering {
	l := lists[word]
	if l == nil {
		l = &gathering{}
		lists[strings.Clone(word)] = l // it may share a whole text's memory
	}
	return l
}

// writer writes a segment: the words in their order, then all else.
type writer struct {
	archive *zip.Writer
	lists   *summed
	words   *vellum.Builder
	fst     buffer
	err     error
}

type buffer struct{ b []byte }

// Write implements io.Writer.
func (b *buffer) Write(p []byte) (int, error) {
	b.b = append(b.b, p...)
	return len(p), nil
}

func newWriter(to io.Writer) (*writer, error) {
	w := &writer{archive: zip.NewWriter(to)}
	w.lists = w.summed(listsEntry)
	if w.err == nil {
		w.words, w.err = vellum.New(&w.fst, nil)
	}
	return w, w.err
}

// entry begins the next entry.
func (w *writer) entry(name string) io.Writer {
	if w.err != nil {
		return io.Discard
	}
	var e io.Writer
	if e, w.err = w.archive.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store}); w.err != nil {
		return io.Discard
	}
	return e
}

func (w *writer) summed(name string) *summed { return &summed{to: w.entry(name)} }

// put writes an entry as a whole.
func (w *writer) put(name string, body []byte) {
	if e := w.entry(name); w.err == nil {
		_, w.err = e.Write(body)
	}
}

// word writes the list of a word that sorts behind those that were written.
func (w *writer) word(word []byte, l *packing) {
	if w.err == nil {
		w.err = w.words.Insert(word, uint64(w.lists.size))
	}
	for _, b := range l.end() {
		if w.err == nil {
			_, w.err = w.lists.Write(b)
		}
	}
}

// finish writes the documents' names and lengths and all else behind the lists.
func (w *writer) finish(names []search.Doc, lengths []int) (Facts, error) {
	sums := w.lists.end()
	f := Facts{Docs: len(names), First: names[0].Message, Last: names[len(names)-1].Message}
	numbers := facts{Version: formatVersion, Docs: len(names)}
	docs := w.summed(docsEntry)
	for part := range slices.Chunk(names, perPart) {
		if w.err == nil {
			_, w.err = docs.Write(encodeDocs(part))
		}
		numbers.Parts = append(numbers.Parts, int(docs.size))
	}
	sums = append(sums, docs.end()...)
	packed := make([]byte, 0, 2*len(lengths))
	for _, n := range lengths {
		numbers.Tokens += n
		packed = binary.LittleEndian.AppendUint16(packed, uint16(min(n, math.MaxUint16)))
	}
	if w.err == nil {
		w.err = w.words.Close()
	}
	text, err := json.Marshal(numbers)
	if w.err == nil {
		w.err = err
	}
	w.put(wordsEntry, w.fst.b)
	w.put(lengthsEntry, packed)
	w.put(sumsEntry, sums)
	w.put(factsEntry, text)
	if w.err == nil {
		w.err = w.archive.Close()
	}
	if w.err != nil {
		return Facts{}, fmt.Errorf("write segment: %w", w.err)
	}
	f.Tokens = numbers.Tokens
	return f, nil
}

// summed writes an entry and adds up its checksums.
type summed struct {
	to   io.Writer
	size int64
	crc  uint32
	sums []byte
}

// Write implements io.Writer.
func (s *summed) Write(p []byte) (int, error) {
	for b := p; len(b) > 0; {
		n := min(len(b), int(sumEvery-s.size%sumEvery))
		s.crc = crc32.Update(s.crc, castagnoli, b[:n])
		if s.size += int64(n); s.size%sumEvery == 0 {
			s.cut()
		}
		b = b[n:]
	}
	return s.to.Write(p)
}

func (s *summed) cut() { s.sums, s.crc = binary.LittleEndian.AppendUint32(s.sums, s.crc), 0 }

func (s *summed) end() []byte {
	if s.size%sumEvery > 0 {
		s.cut()
	}
	return s.sums
}
