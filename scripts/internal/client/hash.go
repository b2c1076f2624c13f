package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"parley/shared/file"
)

// sums are the SHA-256 of some bytes in lower-case hex: of all, and of each part.
type sums struct {
	whole string
	parts []string
}

// hashBlock is how many bytes are hashed at once, which is also all the memory
// that it takes.
const hashBlock = 256 << 10

// errChanged: the bytes are no longer those that were hashed.
var errChanged = errors.New("the file changed while it was read; send it again")

var errUnreadable = errors.New("the file can't be read")

// hashAll reads size bytes once; report is told how many were read so far.
func hashAll(ctx context.Context, r io.ReaderAt, size int64, report func(done int64)) (sums, error) {
	var s sums
	whole, block := sha256.New(), make([]byte, hashBlock)
	for at := int64(0); at < size; at += file.PartSize {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		part := sha256.New()
		section := io.NewSectionReader(r, at, min(file.PartSize, size-at))
		n, err := io.CopyBuffer(onlyWriter{io.MultiWriter(whole, part)}, onlyReader{section}, block)
		if err != nil {
			return s, fmt.Errorf("%w: %w", errUnreadable, err)
		}
		if n < section.Size() {
			return s, errChanged
		}
		s.parts = append(s.parts, inHex(part))
		report(at + n)
	}
	s.whole = inHex(whole)
	return s, nil
}

func inHex(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// onlyReader and onlyWriter hide the short cuts by which io.Copy would leave the
// block out.
type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)
