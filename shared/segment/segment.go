// Package segment is the file in which a part of a user's history is indexed: words,
// the documents that have them, and where in these they stand. It is written once,
// opened for reading by many, and never changed.
//
// A segment is a ZIP archive whose entries are stored as they are, but for small ones, which are packed, in this order:
//
//	lists    for each word the documents that have it, and its places in them
//	docs     which messages the documents are
//	words    the dictionary: where a word's list stands (dictionary.go)
//	lengths  of the documents
//	sums     CRC-32C of each 16 KiB of the first two, of which only pieces are read
//	forms    how words are written, beside their stems (form.go)
//	facts    numbers of all this, JSON
//
// What a query needs of it besides the end of the file, which is about a tenth, is one
// piece for each word: so a segment can be read where it is kept. Whatever was read was
// checked: a file that has changed is search.ErrCorrupt, not another answer.
//
// docs/search.md has the figures for which this was chosen over bleve as a whole, which
// takes four times the space, and SQLite's FTS5, which takes ten times as long.
package segment

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"

	"parley/shared/search"
)

// formatVersion is that of files that Build and Merge write, and that Open reads.
const formatVersion = 2

// Entries of the archive.
const (
	listsEntry   = "lists"
	docsEntry    = "docs"
	wordsEntry   = "words"
	lengthsEntry = "lengths"
	sumsEntry    = "sums"
	formsEntry   = "forms"
	factsEntry   = "facts"
)

const (
	sumEvery = 16 << 10 // bytes that have a checksum of their own
	perPart  = 256      // documents that are packed together
	maxList  = 64 << 20 // bytes of one word's list
	// mostPacked is the size of an entry, in bytes, up to which it is packed: of a large
	// segment unpacking the words would take longer than bringing them over.
	mostPacked = 1 << 20
)

// listsAt is where the lists begin: behind the header of the archive's first entry,
// which so has not to be read. If it were elsewhere, no checksum would be right.
const listsAt = 30 + len(listsEntry)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// facts are the numbers of a segment.
type facts struct {
	Version int   `json:"v"`
	Docs    int   `json:"docs"`
	Tokens  int   `json:"tokens"`
	Parts   []int `json:"parts"` // where each part of the documents ends in its entry
}

// Segment is an open segment. It is safe for concurrent use.
type Segment struct {
	facts
	words       *dictionary
	rules       []rule
	endings     []ending
	lengths     []byte // 16 bits for each document
	lists, docs *pieces
}

// Open opens the segment that is in a file of that size, which has to stay open as
// long as the segment is used. search.ErrCorrupt if it is none.
func Open(file io.ReaderAt, size int64) (*Segment, error) {
	f := &failing{ReaderAt: file}
	s, err := open(f, size)
	if err != nil {
		return nil, fmt.Errorf("open segment: %w", f.corrupt(err))
	}
	return s, nil
}

func open(file *failing, size int64) (*Segment, error) {
	archive, err := zip.NewReader(file, size)
	if err != nil {
		return nil, err
	}
	s := &Segment{}
	var sums, text, words, forms []byte
	for _, want := range []struct {
		name string
		to   *[]byte
	}{{factsEntry, &text}, {sumsEntry, &sums}, {lengthsEntry, &s.lengths}, {wordsEntry, &words}, {formsEntry, &forms}} {
		if *want.to, err = part(archive, want.name, size); err != nil {
			return nil, err
		}
	}
	if err := json.Unmarshal(text, &s.facts, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	if s.Version != formatVersion || s.facts.Docs < 1 || s.facts.Tokens < 0 || len(s.lengths) != 2*s.facts.Docs || len(s.Parts) != (s.facts.Docs+perPart-1)/perPart || !slices.IsSorted(s.Parts) {
		return nil, errors.New("impossible numbers")
	}
	if s.rules, err = decodeRules(forms); err != nil {
		return nil, err
	}
	s.endings = endingsOf(s.rules)
	if s.lists, sums, err = piecesOf(archive, file, listsEntry, sums); err == nil {
		s.docs, _, err = piecesOf(archive, file, docsEntry, sums)
	}
	if err != nil {
		return nil, err
	}
	s.words, err = readDictionary(words, s.lists.size)
	return s, err
}

// part reads an entry of the archive as a whole; that has a checksum of it.
func part(archive *zip.Reader, name string, size int64) ([]byte, error) {
	f, err := archive.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	most := max(size, mostPacked)
	body, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(body)) > most {
		err = errors.New("an entry is larger than its file")
	}
	return body, err
}

// failing is a file that remembers that it couldn't be read, to tell that from what
// was read and is wrong.
type failing struct {
	io.ReaderAt
	mu  sync.Mutex
	err error
}

// ReadAt implements io.ReaderAt.
func (f *failing) ReadAt(p []byte, at int64) (int, error) {
	if at < 0 {
		return 0, errors.New("a part begins before its file") // as the file has it
	}
	n, err := f.ReaderAt.ReadAt(p, at)
	if err != nil && !errors.Is(err, io.EOF) {
		f.mu.Lock()
		f.err = err
		f.mu.Unlock()
	}
	return n, err
}

// corrupt returns why something can't be had: the file couldn't be read, or is wrong.
func (f *failing) corrupt(err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		err = &unread{f.err}
		f.err = nil
		return err
	}
	if _, ok := errors.AsType[*unread](err); ok || err == nil || errors.Is(err, search.ErrCorrupt) {
		return err
	}
	return search.ErrCorrupt.Because(err)
}

// unread says why a file couldn't be read.
type unread struct{ error }

// Unwrap returns the cause.
func (u *unread) Unwrap() error { return u.error }

// pieces is an entry of which pieces are read.
type pieces struct {
	*failing
	at, size int64
	sums     []byte

	mu   sync.Mutex
	kept map[int64][]byte // pieces with a checksum of their own that were read last
}

// mostKept is how many are kept: words that begin alike stand side by side.
const mostKept = 64

// piecesOf finds an entry, with its checksums at the beginning of sums; it returns
// what is left of these.
func piecesOf(archive *zip.Reader, file *failing, name string, sums []byte) (*pieces, []byte, error) {
	at := slices.IndexFunc(archive.File, func(f *zip.File) bool { return f.Name == name })
	if at < 0 {
		return nil, nil, errors.New("no " + name)
	}
	offset := int64(listsAt)
	if name != listsEntry {
		var err error
		if offset, err = archive.File[at].DataOffset(); err != nil {
			return nil, nil, err
		}
	}
	size := archive.File[at].UncompressedSize64
	n := 4 * ((size + sumEvery - 1) / sumEvery)
	if archive.File[at].Method != zip.Store || n > uint64(len(sums)) {
		return nil, nil, errors.New("no checksums of " + name)
	}
	return &pieces{failing: file, at: offset, size: int64(size), sums: sums[:n], kept: map[int64][]byte{}}, sums[n:], nil
}

// around returns where in the file all lies that has a checksum together with a piece.
func (p *pieces) around(at, size int64) [2]int64 {
	end := (at + size + sumEvery - 1) / sumEvery * sumEvery
	return [2]int64{p.at + at/sumEvery*sumEvery, p.at + min(end, p.size)}
}

// read returns a piece, having checked all around it that has a checksum together.
func (p *pieces) read(at, size int64) ([]byte, error) {
	if at < 0 || size < 0 || at+size > p.size {
		return nil, search.ErrCorrupt.Because(errors.New("a piece is outside of its file"))
	}
	from := at / sumEvery * sumEvery
	if at+size > from+2*sumEvery {
		b, err := p.checked(from, min((at+size+sumEvery-1)/sumEvery*sumEvery, p.size))
		if err != nil {
			return nil, err
		}
		return b[at-from : at-from+size], nil
	}
	b, err := p.one(from)
	if err != nil || at+size <= from+int64(len(b)) {
		return b[min(at-from, int64(len(b))):min(at-from+size, int64(len(b)))], err
	}
	more, err := p.one(from + sumEvery)
	return slices.Concat(b[at-from:], more[:min(at+size-from-sumEvery, int64(len(more)))]), err
}

// one returns what has the checksum that begins there.
func (p *pieces) one(from int64) ([]byte, error) {
	p.mu.Lock()
	b := p.kept[from]
	p.mu.Unlock()
	if b != nil {
		return b, nil
	}
	b, err := p.checked(from, min(from+sumEvery, p.size))
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for other := range p.kept {
		if len(p.kept) < mostKept {
			break
		}
		delete(p.kept, other)
	}
	p.kept[from] = b
	return b, nil
}

// checked reads from one place where a checksum begins to another.
func (p *pieces) checked(from, to int64) ([]byte, error) {
	b := make([]byte, to-from)
	if _, err := p.ReadAt(b, p.at+from); err != nil {
		return nil, fmt.Errorf("read segment: %w", p.corrupt(err))
	}
	for i := from; i < to; i += sumEvery {
		if crc32.Checksum(b[i-from:min(i-from+sumEvery, to-from)], castagnoli) != binary.LittleEndian.Uint32(p.sums[i/sumEvery*4:]) {
			return nil, search.ErrCorrupt.Because(errors.New("a piece isn't what was written"))
		}
	}
	return b, nil
}

// Docs implements search.Index.
func (s *Segment) Docs() int { return s.facts.Docs }

// Tokens implements search.Index.
func (s *Segment) Tokens() int { return s.facts.Tokens }

// Doc implements search.Index.
func (s *Segment) Doc(n int) (search.Doc, error) {
	if n < 0 || n >= s.facts.Docs {
		return search.Doc{}, search.ErrCorrupt.Because(fmt.Errorf("document %d of %d", n, s.facts.Docs))
	}
	var doc search.Doc
	err := s.partOf(n/perPart, func(i int, d packedDoc) {
		if i == n {
			doc = d.doc()
		}
	})
	return doc, err
}

// partOf calls each for the documents of a part, with their numbers. They are unpacked
// every time: that takes some microseconds, and what is kept stays small, however many
// documents somebody asks for.
func (s *Segment) partOf(part int, each func(n int, d packedDoc)) error {
	n, end, from := part*perPart, min((part+1)*perPart, s.facts.Docs), 0
	if part > 0 {
		from = s.Parts[part-1]
	}
	data, err := s.docs.read(int64(from), int64(s.Parts[part]-from))
	if err == nil {
		err = decodeDocs(data, func(d packedDoc) {
			if n < end {
				each(n, d)
			}
			n++
		})
	}
	if err == nil && n < end {
		err = errDocs
	}
	if err != nil {
		return fmt.Errorf("documents from %d on: %w", part*perPart, s.docs.corrupt(err))
	}
	return nil
}

// Find implements search.Index.
func (s *Segment) Find(word string) (search.List, error) {
	c := s.words.get(word)
	if c == nil {
		return nil, nil
	}
	e, err := s.entry(c)
	if err != nil {
		return nil, fmt.Errorf("look up a word: %w", s.lists.corrupt(err))
	}
	return e, nil
}

// likely is how many bytes of a list are read at first.
const likely = 4 << 10

// entry is a word's list that was found.
type entry struct {
	*Segment
	head
	at    int64  // where what is behind the head begins
	b     []byte // what was read of that
	begun int    // bits of these that are the head's
	sizes [4]int64
	only  []bool // by form: those that are meant; nil: all
	docs  int    // that count
}

// entry reads the beginning of a word's list, all of a short one.
func (s *Segment) entry(c *cursor) (*entry, error) {
	for first := int64(likely); ; first = c.size {
		b, err := s.lists.read(c.list, min(first, c.size))
		if err != nil {
			return nil, err
		}
		e := &entry{Segment: s, at: c.list, b: b}
		err = e.read()
		if first >= c.size || err == nil && e.count > perBlock {
			return e, err
		}
	}
}

// read takes in what a list begins with.
func (e *entry) read() (err error) {
	in := bitReader{b: e.b}
	if e.head, err = in.head(); err != nil || e.count < 1 || e.count > e.facts.Docs {
		return errList
	}
	if e.docs, e.begun = e.count, in.at; e.count <= perBlock {
		return nil
	}
	rest := e.b[(in.at+7)/8:]
	for i := range e.sizes {
		n, err := take(&rest)
		if err != nil || n > maxList {
			return errList
		}
		e.sizes[i] = int64(n)
	}
	e.at += int64(len(e.b) - len(rest))
	e.b = rest
	return nil
}

// Count implements search.List.
func (e *entry) Count() int { return e.docs }

// Walk implements search.List.
func (e *entry) Walk(places bool) (search.Postings, error) {
	l := &list{}
	if err := e.walk(l, places && e.placed, e.only != nil); err != nil {
		return nil, fmt.Errorf("walk a list: %w", e.lists.corrupt(err))
	}
	return l, nil
}

// walk begins to walk a list with what is asked for.
func (e *entry) walk(l *list, places, forms bool) (err error) {
	l.begin(e.head, e.facts.Docs, e.lengths, bitReader{b: e.b, at: e.begun})
	l.only = e.only
	if e.count <= perBlock {
		if !l.load() {
			err = errList
		}
		return err
	}
	table, docs, placed, marked := e.sizes[0], e.sizes[1], e.sizes[2], e.sizes[3]
	size := table + docs
	if places {
		size += placed
	}
	if places && forms {
		size += marked
	}
	b := e.b
	if size > int64(len(b)) {
		if b, err = e.lists.read(e.at, size); err != nil {
			return err
		}
	}
	parts := body{table: b[:table], docs: b[table : table+docs]}
	if places {
		parts.places = b[table+docs : table+docs+placed]
	}
	switch {
	case forms && places:
		parts.forms = b[size-marked : size]
	case forms:
		if parts.forms, err = e.lists.read(e.at+size+placed, marked); err != nil {
			return err
		}
	}
	return l.long(parts)
}

// Remote is a file of which parts lie elsewhere until they are read.
type Remote interface {
	io.ReaderAt
	// Fetch brings over what lies between these places, from and to, all at the same time.
	Fetch(ctx context.Context, parts [][2]int64) error
	Local() bool // all of it is here
}

// Fetch implements search.Remote.
func (s *Segment) Fetch(ctx context.Context, needs []search.Need) error {
	file, ok := s.lists.ReaderAt.(Remote)
	if !ok || file.Local() {
		return nil
	}
	var parts [][2]int64
	add := func(c *cursor, places bool) {
		size := c.size
		if !places && size > likely && c.word[0] != '\x01' {
			size = max(likely, size/2) // places are behind the rest, and mostly longer
		}
		parts = append(parts, s.lists.around(c.list, size))
	}
	for _, n := range needs {
		if n.Prefix != "" {
			for _, c := range s.beginning(n.Prefix, search.MostBeginnings) {
				add(c, true) // which forms stand where is behind the places
			}
		} else if c := s.words.get(n.Word); c != nil {
			add(c, n.Places)
		}
	}
	if err := file.Fetch(ctx, parts); err != nil {
		return fmt.Errorf("fetch lists: %w", err)
	}
	return nil
}

// Begin implements search.Index.
func (s *Segment) Begin(prefix string, most int) (all []search.List, err error) {
	for _, c := range s.beginning(prefix, most) {
		e, err := s.entry(c)
		if err == nil {
			err = e.begins(string(c.word), prefix)
		}
		if err != nil {
			return nil, fmt.Errorf("look up a beginning: %w", s.lists.corrupt(err))
		}
		if e.docs > 0 {
			all = append(all, e)
		}
	}
	return all, nil
}

// beginning returns at most so many words of which a form may begin so.
func (s *Segment) beginning(prefix string, most int) (all []*cursor) {
	seen := map[int]bool{}
	add := func(c *cursor) {
		if !seen[c.n] {
			seen[c.n] = true
			all = append(all, c)
		}
	}
	for _, stem := range s.stems(prefix) {
		if c := s.words.get(stem); c != nil && !c.moved() && len(all) < most {
			add(c)
		}
	}
	for _, begin := range []string{prefix, movedMark + prefix} {
		c := s.words.seek(begin)
		for more := c != nil; more && len(all) < most && bytes.HasPrefix(c.word, []byte(begin)); more = c.next() {
			if c.moved() {
				add(c.stem())
			} else {
				at := *c
				at.word = slices.Clone(c.word)
				add(&at)
			}
		}
	}
	return all
}

// begins narrows a list down to the forms that begin so.
func (e *entry) begins(stem, prefix string) error {
	only := make([]bool, len(e.forms))
	n := 0
	e.docs = 0
	for i, f := range e.forms {
		written, err := e.written(stem, f)
		if err != nil {
			return err
		}
		if only[i] = strings.HasPrefix(written, prefix); only[i] {
			e.docs += f.docs
			n++
		}
	}
	if n < len(only) {
		e.only = only
	}
	return nil
}

// Similar implements search.Index.
func (s *Segment) Similar(word string, edits, most int) ([]string, error) {
	var all []string
	s.words.similar(word, edits, func(word string) bool {
		all = append(all, word)
		return len(all) < most
	})
	return all, nil
}

// length of a document in words; longer ones count as of the greatest number.
func length(lengths []byte, doc int) int { return int(binary.LittleEndian.Uint16(lengths[2*doc:])) }
