package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// header is what the first bytes of a file say of its picture.
type header struct {
	contentType   string
	width, height int   // pixels, as they are stored
	memory        int64 // bytes that decoding allocates
	lossless      bool  // its lines may be sharp
}

// format knows a format by its first bytes, and reads its header from the start.
type format struct {
	matches func(head []byte) bool
	read    func(r io.ReadSeeker) (header, error)
}

var formats = []format{
	{func(head []byte) bool { return bytes.HasPrefix(head, []byte("\xff\xd8\xff")) }, readJPEG},
	{func(head []byte) bool { return bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")) }, readPNG},
	{func(head []byte) bool { return bytes.HasPrefix(head, []byte("GIF8")) }, readGIF},
	{func(head []byte) bool {
		return bytes.HasPrefix(head, []byte("RIFF")) && bytes.Equal(head[8:12], []byte("WEBP"))
	}, readWebP},
}

// look reads the header of a picture and refuses what is over the limits. r is
// then at its start again.
func look(r io.ReadSeeker, limits Limits) (header, error) {
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return header{}, fmt.Errorf("find the end of a picture: %w", err)
	}
	if size > limits.Bytes {
		return header{}, ErrTooLarge
	}
	h, err := identify(r)
	if err != nil {
		return header{}, err
	}
	if h.width < 1 || h.height < 1 {
		return header{}, fmt.Errorf("%w: it has no pixels", ErrBroken)
	}
	pixels := int64(h.width) * int64(h.height)
	if h.width > maxSide || h.height > maxSide || pixels > limits.Pixels || h.memory > limits.Memory {
		return header{}, fmt.Errorf("%w: %d × %d", ErrTooManyPixels, h.width, h.height)
	}
	return h, rewind(r)
}

func identify(r io.ReadSeeker) (header, error) {
	if err := rewind(r); err != nil {
		return header{}, err
	}
	head := make([]byte, 16)
	if _, err := io.ReadFull(r, head); err != nil {
		if short(err) {
			return header{}, ErrFormat
		}
		return header{}, err
	}
	for _, f := range formats {
		if !f.matches(head) {
			continue
		}
		if err := rewind(r); err != nil {
			return header{}, err
		}
		h, err := f.read(r)
		if short(err) {
			return header{}, fmt.Errorf("%w: it ends in its header", ErrBroken)
		}
		return h, err
	}
	return header{}, ErrFormat
}

func readPNG(r io.ReadSeeker) (header, error) {
	var b [29]byte // signature, length and name of the first chunk, and what it says
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return header{}, err
	}
	if string(b[12:16]) != "IHDR" {
		return header{}, fmt.Errorf("%w: no IHDR", ErrBroken)
	}
	w, h := binary.BigEndian.Uint32(b[16:]), binary.BigEndian.Uint32(b[20:])
	if w > 1<<31-1 || h > 1<<31-1 {
		return header{}, fmt.Errorf("%w: dimensions that PNG doesn't have", ErrBroken)
	}
	each := int64(4)
	if b[24] == 16 { // bits of a sample
		each = 8
	}
	if b[28] != 0 { // interlaced: the whole, and each pass on its own
		each *= 2
	}
	return header{contentType: "image/png", width: int(w), height: int(h), memory: cost(int64(w), int64(h), each), lossless: true}, nil
}

func readGIF(r io.ReadSeeker) (header, error) {
	var b [10]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return header{}, err
	}
	w, h := int(binary.LittleEndian.Uint16(b[6:])), int(binary.LittleEndian.Uint16(b[8:]))
	// Twice, as rows of an interlaced one are put in order.
	return header{contentType: "image/gif", width: w, height: h, memory: cost(int64(w), int64(h), 2), lossless: true}, nil
}

// cost returns the bytes of w × h pixels of so many bytes each; a number that
// doesn't fit is as good as any that is too large.
func cost(w, h, each int64) int64 {
	if w > maxSide || h > maxSide {
		return 1 << 62
	}
	return w * h * each
}

func rewind(r io.Seeker) error {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("go back to the start of a picture: %w", err)
	}
	return nil
}

func short(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
