package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"io"

	"golang.org/x/image/webp"
)

// Lengths of parts of a WebP file, in bytes.
const (
	riffHeader  = 12 // RIFF, length, WEBP
	chunkHeader = 8  // name, length
	canvas      = 10 // of a VP8X chunk
	frameHeader = 16 // of an animation's frame, before its own chunks
)

// still is where the first picture of a WebP file stands.
type still struct {
	header
	alpha          bool
	offset, length int64           // of an animation's first frame, its own header left out; 0: the file is no animation
	place          image.Rectangle // of that frame on its canvas
}

func readWebP(r io.ReadSeeker) (header, error) {
	s, err := findStill(r)
	return s.header, err
}

// findStill walks the chunks of a WebP file to its first picture.
func findStill(r io.ReadSeeker) (still, error) {
	s := still{header: header{contentType: "image/webp"}}
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return s, err
	}
	for at := int64(riffHeader); ; {
		if _, err := r.Seek(at, io.SeekStart); err != nil {
			return s, err
		}
		var b [chunkHeader + frameHeader]byte
		n, err := io.ReadFull(r, b[:])
		if n < chunkHeader+canvas {
			return s, err
		}
		body, length := b[chunkHeader:n], int64(binary.LittleEndian.Uint32(b[4:]))
		if at+chunkHeader+length > size { // the decoder would allocate what a chunk says
			return s, io.ErrUnexpectedEOF
		}
		switch string(b[:4]) {
		case "VP8X":
			s.alpha = body[0]&0x10 != 0
			s.width, s.height = 1+uint24(body[4:]), 1+uint24(body[7:])
		case "ANMF":
			return s.frame(body, at, length)
		case "VP8 ", "VP8L":
			return s.plain(string(b[:4]), body, length)
		}
		at += chunkHeader + length + length&1
	}
}

// frame reads the header of an animation's frame; the canvas is what is seen.
func (s still) frame(body []byte, at, length int64) (still, error) {
	if len(body) < frameHeader || length < frameHeader+chunkHeader || s.width == 0 {
		return s, fmt.Errorf("%w: an animation without frames", ErrBroken)
	}
	s.place = image.Rect(0, 0, 1+uint24(body[6:]), 1+uint24(body[9:])).Add(image.Pt(2*uint24(body), 2*uint24(body[3:])))
	if !s.place.In(image.Rect(0, 0, s.width, s.height)) {
		return s, fmt.Errorf("%w: a frame outside of its canvas", ErrBroken)
	}
	s.offset, s.length = at+chunkHeader+frameHeader, length-frameHeader
	s.memory, s.lossless = cost(int64(s.width), int64(s.height), 9)+length, true
	return s, nil
}

// plain reads the header of the only picture. If a canvas states a size as well,
// the decoder sees to it that they agree.
func (s still) plain(name string, body []byte, length int64) (still, error) {
	w, h := int(binary.LittleEndian.Uint16(body[6:])), int(binary.LittleEndian.Uint16(body[8:]))
	each := int64(2)                            // 4:2:0, with what the decoder keeps of each block
	w, h, s.memory = w&0x3fff, h&0x3fff, length // which that decoder reads whole
	if name == "VP8L" {
		bits := int(binary.LittleEndian.Uint32(body[1:]))
		w, h, s.memory = 1+bits&0x3fff, 1+bits>>14&0x3fff, 0
		s.lossless = true
	}
	if s.lossless || s.alpha {
		each = 9 // pixels before and after a transform, and transparency
	}
	if s.width == 0 {
		s.width, s.height = w, h
	}
	s.memory += cost(int64(whole(s.width, 16)), int64(whole(s.height, 16)), each)
	return s, nil
}

// decodeWebP decodes the first picture of a file. That of an animation, which the
// decoder doesn't know, is given to it as a file of its own.
func decodeWebP(r io.ReadSeeker) (image.Image, error) {
	s, err := findStill(r)
	if err != nil {
		return nil, err
	}
	if _, err := r.Seek(s.offset, io.SeekStart); err != nil {
		return nil, err
	}
	if s.offset == 0 {
		return webp.Decode(r)
	}
	name := make([]byte, 4)
	if _, err := io.ReadFull(r, name); err != nil {
		return nil, err
	}
	head := alone(s.place.Size(), s.length, string(name) == "ALPH")
	img, err := webp.Decode(io.MultiReader(bytes.NewReader(append(head, name...)), io.LimitReader(r, s.length-4)))
	if err != nil {
		return nil, err
	}
	return img, shift(img, s.place.Min)
}

// shift moves a picture on its canvas. Frames begin at even places, so chroma
// stays with its luma.
func shift(img image.Image, by image.Point) error {
	switch m := img.(type) {
	case *image.YCbCr:
		m.Rect = m.Rect.Add(by)
	case *image.NYCbCrA:
		m.Rect = m.Rect.Add(by)
	case *image.NRGBA:
		m.Rect = m.Rect.Add(by)
	default:
		return fmt.Errorf("a WebP that decodes to %T", img)
	}
	return nil
}

// alone returns what stands before the chunks of a frame to make them a file.
// With a canvas in it, the decoder refuses a picture of another size.
func alone(size image.Point, length int64, alpha bool) []byte {
	b := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(4+chunkHeader+canvas+length))
	b = binary.LittleEndian.AppendUint32(append(b, "WEBPVP8X"...), canvas)
	flags := byte(0)
	if alpha {
		flags = 0x10
	}
	w, h := size.X-1, size.Y-1
	return append(b, flags, 0, 0, 0, byte(w), byte(w>>8), byte(w>>16), byte(h), byte(h>>8), byte(h>>16))
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
