package extract

import (
	"parley/shared/extract/child"
	"parley/shared/file"
)

// notes has a sentence for every code that a Note can have.
var notes = map[string]string{
	child.Empty:             "This file is empty.",
	child.Unreadable:        "This file is damaged, or isn't what it looks like; it couldn't be read.",
	child.Unsupported:       "Nothing can be read from this kind of file.",
	child.TimedOut:          "Reading this file took too long.",
	child.TooComplex:        "Reading this file takes more memory than there is for it.",
	child.TooManyPixels:     "This image has more pixels than can be decoded.",
	child.PasswordProtected: "This file is protected by a password.",
	child.NoText:            "There is no text in this file; perhaps it is a scan.",
	child.Truncated:         "This file has more text than can be read; its beginning was.",
}

// remark returns the note of that code, and nil if there is no such code.
func remark(code string) *file.Remark {
	detail, ok := notes[code]
	if !ok {
		return nil
	}
	return &file.Remark{Code: code, Detail: detail}
}
