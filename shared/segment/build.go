package segment

import (
	"archive/zip"
	"cmp"
	"compress/flate"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"

	"parley/shared/search"
	"parley/shared/words"
)

// Facts are what a manifest says of a segment.
type Facts struct {
	Docs, Tokens int
	Lists        int64  // bytes before those that every query needs
	First, Last  string // ids of messages
}

// lexicons know the words of earlier segments: languages have the same ones, whoever
// writes.
var lexicons = sync.Pool{New: func() any { return words.NewLexicon() }}

// Build writes a segment of documents, at least one.
func Build(ctx context.Context, to io.Writer, docs []search.Document) (Facts, error) {
	docs = slices.Clone(docs)
	slices.SortStableFunc(docs, func(a, b search.Document) int { return strings.Compare(a.Message, b.Message) })
	lexicon := lexicons.Get().(*words.Lexicon)
	if lexicon.Full() {
		lexicon = words.NewLexicon()
	}
	defer lexicons.Put(lexicon)
	lists := map[string]*gathering{}
	var met []meeting // by the lexicon's numbers
	lengths := make([]int, len(docs))
	var names []search.Doc
	for n, d := range docs {
		names = append(names, d.Doc)
		text := lexicon.Read(d.Text)
		met = append(met, make([]meeting, lexicon.Len()-len(met))...)
		for place, number := range text {
			m := &met[number]
			if m.list == nil {
				f := lexicon.Form(number)
				m.list = listOf(lists, f.Word)
				m.form = m.list.form(f.Written)
			}
			m.list.noteAt(n, place, m.form)
		}
		lengths[n] = len(text)
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
	w.rules.commonest(lists)
	list := &packing{lengths: lengths}
	for _, word := range slices.Sorted(maps.Keys(lists)) {
		lists[word].pack(list)
		w.word(word, list)
	}
	return w.finish(names, lengths)
}

// meeting is where a word is noted: its list, and the number of its form there.
type meeting struct {
	list *gathering
	form int
}

func listOf(lists map[string]*gathering, word string) *gathering {
	l := lists[word]
	if l == nil {
		l = &gathering{word: word}
		lists[word] = l
	}
	return l
}

// writer writes a segment: the words in their order, then all else.
type writer struct {
	archive *zip.Writer
	lists   *summed
	words   dictionaryWriter
	rules   rules
	moved   []moved
	err     error
}

// moved is a word whose beginning differs from its stem's.
type moved struct {
	written string
	stem    int64 // number of that
}

func newWriter(to io.Writer) (*writer, error) {
	w := &writer{archive: zip.NewWriter(to)}
	w.archive.RegisterCompressor(zip.Deflate, func(to io.Writer) (io.WriteCloser, error) { return flate.NewWriter(to, flate.BestSpeed) }) // a fiftieth larger than the best, in half the time
	w.lists = w.summed(listsEntry)
	return w, w.err
}

// entry begins the next entry.
func (w *writer) entry(name string, method uint16) io.Writer {
	if w.err != nil {
		return io.Discard
	}
	var e io.Writer
	if e, w.err = w.archive.CreateHeader(&zip.FileHeader{Name: name, Method: method}); w.err != nil {
		return io.Discard
	}
	return e
}

func (w *writer) summed(name string) *summed { return &summed{to: w.entry(name, zip.Store)} }

// put writes an entry as a whole, packed if that is little work to undo.
func (w *writer) put(name string, body []byte) {
	method := zip.Deflate
	if len(body) > mostPacked {
		method = zip.Store
	}
	if e := w.entry(name, method); w.err == nil {
		_, w.err = e.Write(body)
	}
}

// word writes the list of a word that sorts behind those that were written.
func (w *writer) word(word string, l *packing) {
	for _, f := range l.forms {
		if r := w.rules.list[f.rule]; r.moved() {
			written, _ := r.of(word)
			w.moved = append(w.moved, moved{written, int64(w.words.n)})
		}
	}
	at := w.lists.size
	for _, b := range l.end() {
		if w.err == nil {
			_, w.err = w.lists.Write(b)
		}
	}
	w.words.add(word, w.lists.size-at)
}

// move adds the words whose beginnings differ from their stems' to the dictionary.
func (w *writer) move() {
	slices.SortFunc(w.moved, func(a, b moved) int {
		return cmp.Or(strings.Compare(a.written, b.written), cmp.Compare(a.stem, b.stem))
	})
	last := ""
	for i, m := range w.moved {
		word := m.written
		if i > 0 && w.moved[i-1].written == word {
			word = last + "\x00"
		}
		w.words.add(movedMark+word, m.stem)
		last = word
	}
}

// finish writes the documents' names and lengths and all else behind the lists.
func (w *writer) finish(names []search.Doc, lengths []int) (Facts, error) {
	sums := w.lists.end()
	f := Facts{Docs: len(names), Lists: w.lists.size, First: names[0].Message, Last: names[len(names)-1].Message}
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
	w.move()
	text, err := json.Marshal(numbers)
	if w.err == nil {
		w.err = err
	}
	w.put(wordsEntry, w.words.b)
	w.put(lengthsEntry, packed)
	w.put(sumsEntry, sums)
	w.put(formsEntry, w.rules.encode())
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
