// Package child reads one file, in a process that has limits and nothing to lose.
package child

import (
	"parley/shared/file"
	"parley/shared/passage"
)

// Job is what a child is told by its one argument, as JSON. The file is its
// descriptor 3.
type Job struct {
	Name     string // that the file's sender gave it
	Declared string // content type that the file's sender stated
	Memory   int64  // bytes
	CPU      int64  // seconds
	Cache    string // folder of the compiled PDFium; empty: the file is no PDF
	Prepare  bool   // only compile PDFium into Cache; there is no file
}

// Type is the first that a child answers, as soon as it knows it, so that it is
// known also of a file that the child doesn't survive.
type Type struct {
	ContentType string `json:"content_type"`
}

// Answer is the rest.
type Answer struct {
	Kind        file.Kind         `json:"kind"`
	Pages       int               `json:"pages"` // 0 if the file has none
	Lines       int               `json:"lines"` // 0 if the file has pages
	Width       int               `json:"width"`
	Height      int               `json:"height"`
	Note        string            `json:"note"` // a code, or empty
	Passages    []passage.Passage `json:"passages,omitzero"`
	Thumbnail   []byte            `json:"thumbnail,omitzero"`
	Picture     []byte            `json:"picture,omitzero"`
	PictureType string            `json:"picture_type"`
}

// Codes of notes.
const (
	Empty             = "empty"
	Unreadable        = "unreadable"
	Unsupported       = "unsupported"
	TimedOut          = "timed_out"
	TooComplex        = "too_complex"
	TooManyPixels     = "too_many_pixels"
	PasswordProtected = "password_protected"
	NoText            = "no_text"
	Truncated         = "truncated"
)

// Bounds of what is read of one file.
const (
	MaxText  = passage.MaxText // bytes of text
	MaxPages = 5000            // pages whose text is read
)
