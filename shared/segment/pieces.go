package segment

import (
	"archive/zip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync"

	"parley/shared/search"
)

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
