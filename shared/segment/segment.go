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
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

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

// length of a document in words; longer ones count as of the greatest number.
func length(lengths []byte, doc int) int { return int(binary.LittleEndian.Uint16(lengths[2*doc:])) }
