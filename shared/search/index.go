package search

import (
	"context"
	"sort"
	"time"

	"parley/shared/chat"
	"parley/shared/id"
)

// Index is a set of documents in which words can be looked up: a segment, or the
// rest that no segment has yet. Documents are numbered from 0 on, in the order of
// their messages' ids. An error is one of reading; what isn't there is no error.
type Index interface {
	Docs() int   // how many
	Tokens() int // words of all documents
	Doc(n int) (Doc, error)
	// Find returns the list of a word, nil if no document has it.
	Find(word string) (List, error)
	// Begin returns at most so many lists, which together have the words that were
	// written with that beginning: without letter case and accents, but with their endings.
	Begin(prefix string, most int) ([]List, error)
	// Similar returns at most so many words that so many edits turn into that one and
	// that have the same first character.
	Similar(word string, edits, most int) ([]string, error)
}

// Remote is an Index of which parts lie elsewhere, or aren't made, until they are needed.
type Remote interface {
	Index
	// Fetch brings over what will be read of these, all at the same time. It is no error
	// if nothing has them.
	Fetch(ctx context.Context, needs []Need) error
}

// Need is a word, or a beginning, that will be looked up.
type Need struct {
	Word   string
	Prefix string // instead of the word
	Places bool
}

// List is the documents that have a word.
type List interface {
	// Count is how many they are; of a word of which some forms are meant, the sum of
	// those that have each.
	Count() int
	// Walk begins a walk through them; places says that it will be asked for these.
	Walk(places bool) (Postings, error)
}

// Postings walks the documents that have a word, in their order.
type Postings interface {
	// Next moves to the first document from that number on, and ahead in any case; ok
	// is false at the end.
	Next(from int) (p Posting, ok bool, err error)
	// Places appends where in the document that Next has found the word stands, in order.
	Places(to []int) ([]int, error)
}

// Posting is a document that has a word.
type Posting struct {
	Doc    int
	Times  int
	Length int // of the document, in words
}

// Doc names a document.
type Doc struct {
	Chat, Message string // ids
	Kind          Kind
}

// Kind is what a document is made of.
type Kind uint8

// The kinds.
const (
	Said  Kind = iota // a message's text and its files' names
	Title             // of a chat, for the message that the chat begins with
	File              // the text of a file that a message has
)

// Words by which documents are filtered. No word of a text begins so.
const (
	markFile  = "\x01f"
	markTitle = "\x01t"
	markRole  = "\x01r"
	markChat  = "\x01c"
)

// Marks are the words that a document has besides those of its text, by which
// filters find it. They have no places and count for nothing else.
func (d Document) Marks() []string {
	marks := []string{markChat + d.Chat, markRole + string(d.Role)}
	if d.HasFile {
		marks = append(marks, markFile)
	}
	if d.Kind == Title {
		marks = append(marks, markTitle)
	}
	return marks
}

// Document is what is put into an index.
type Document struct {
	Doc
	Role    chat.Role
	HasFile bool
	Text    string
}

// Filter narrows down where is searched. Empty fields don't.
type Filter struct {
	Chat     string    // id
	Role     chat.Role // who said it
	From, To time.Time // when; To is not included
	HasFile  bool      // with a file
	Until    string    // id of the newest message that counts
}

// marks are the words that documents must have to be let in.
func (f Filter) marks() (list []string) {
	if f.Chat != "" {
		list = append(list, markChat+f.Chat)
	}
	if f.Role != "" {
		list = append(list, markRole+string(f.Role))
	}
	if f.HasFile {
		list = append(list, markFile)
	}
	return list
}

// between returns the range of documents whose time a filter lets in.
func (f Filter) between(x Index) (from, to int, err error) {
	first := func(past func(message string) bool) int {
		n := x.Docs()
		if n == 0 {
			return 0
		}
		if last, failed := x.Doc(n - 1); failed == nil && !past(last.Message) {
			return n // as mostly, and nothing else has to be read for that
		}
		return sort.Search(n, func(n int) bool {
			d, failed := x.Doc(n)
			if failed != nil {
				err = failed
			}
			return past(d.Message)
		})
	}
	to = x.Docs()
	if !f.From.IsZero() {
		from = first(func(m string) bool { return !id.Time(m).Before(f.From) })
	}
	if !f.To.IsZero() {
		to = first(func(m string) bool { return !id.Time(m).Before(f.To) })
	}
	if f.Until != "" {
		to = min(to, first(func(m string) bool { return m > f.Until }))
	}
	return from, to, err
}
