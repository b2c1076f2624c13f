// Package passage is the text of a document as passages: pieces of about a
// thousand characters that know the page and the line where they begin, so that
// an answer which rests on one can say where it stands.
//
// Cut makes passages of pages, Rank finds those that fit a question best, Encode and
// Decode keep them.
package passage

// Page is a page of a document, or the whole of one that has none.
type Page struct {
	Number int    // from 1; 0 in a document without pages
	Text   string // UTF-8; lines end with a line feed
}

// Passage is a piece of a document.
type Passage struct {
	Page int    // where it begins, from 1; 0 in a document without pages
	Line int    // the line of its page, or of the document, where it begins, from 1
	Text string // UTF-8
}

// Document is the text of a file.
type Document struct {
	Version    int  // of the form it was read in; Encode writes Version
	Pages      int  // that the file has, also those that gave no text; 0 if it has none
	Characters int  // of all passages
	Truncated  bool // there was more text than is kept
	Passages   []Passage
}
