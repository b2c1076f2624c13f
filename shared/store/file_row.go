package store

import (
	"fmt"

	"parley/shared/file"
)

// Attributes of a file's row that sending needs.
const (
	fStatus = "st"
	fName   = "n"
	fSize   = "s" // bytes
	fType   = "t"
	fKind   = "k"
)

// readFile decodes a file's row.
func readFile(user, id string, it item) (file.File, error) {
	if v := number(it, aVersion); v > rowVersion {
		return file.File{}, fmt.Errorf("file %s has version %d; this release reads up to %d", id, v, rowVersion)
	}
	return file.File{ID: id, User: user, Status: file.Status(text(it, fStatus)), Name: text(it, fName),
		Size: int64(number(it, fSize)), ContentType: text(it, fType), Kind: file.Kind(text(it, fKind))}, nil
}
