package picture

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// Markers of JPEG (ITU-T T.81, table B.1).
const (
	markerTEM   = 0x01
	markerSOF0  = 0xc0
	markerSOF15 = 0xcf
	markerDHT   = 0xc4
	markerJPG   = 0xc8
	markerDAC   = 0xcc
	markerRST0  = 0xd0
	markerSOI   = 0xd8
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerAPP14 = 0xee
)

// readJPEG walks the segments up to the frame header, which says how the picture
// is stored, and so what it takes to decode it.
func readJPEG(r io.ReadSeeker) (header, error) {
	b := bufio.NewReader(r)
	if _, err := b.Discard(2); err != nil {
		return header{}, err
	}
	rgb := false
	for {
		marker, length, err := segment(b)
		if err != nil {
			return header{}, err
		}
		switch {
		case marker == markerSOS || marker == markerEOI:
			return header{}, fmt.Errorf("%w: no frame header", ErrBroken)
		case marker >= markerSOF0 && marker <= markerSOF15 && marker != markerDHT && marker != markerJPG && marker != markerDAC:
			return readFrame(b, marker, length, rgb)
		case marker == markerAPP14 && length >= 12:
			app, err := b.Peek(12)
			if err != nil {
				return header{}, err
			}
			rgb = string(app[:5]) == "Adobe" && app[11] == 0
		}
		if _, err := b.Discard(length); err != nil {
			return header{}, err
		}
	}
}

// segment reads the next marker that has a segment, and how long that is.
func segment(b *bufio.Reader) (marker byte, length int, err error) {
	for marker == 0 || marker == 0xff || marker == markerTEM || marker >= markerRST0 && marker <= markerSOI {
		if marker != 0xff {
			// Decoders skip what stands before a marker; so does this.
			for c := byte(0); c != 0xff; {
				if c, err = b.ReadByte(); err != nil {
					return 0, 0, err
				}
			}
		}
		if marker, err = b.ReadByte(); err != nil {
			return 0, 0, err
		}
	}
	if marker == markerEOI {
		return marker, 0, nil
	}
	var n [2]byte
	if _, err := io.ReadFull(b, n[:]); err != nil {
		return 0, 0, err
	}
	length = int(binary.BigEndian.Uint16(n[:])) - 2
	if length < 0 {
		return 0, 0, fmt.Errorf("%w: a segment without a length", ErrBroken)
	}
	return marker, length, nil
}

// readFrame reads a frame header: precision, height, width, components.
func readFrame(b *bufio.Reader, marker byte, length int, rgb bool) (header, error) {
	frame := make([]byte, length)
	if _, err := io.ReadFull(b, frame); err != nil {
		return header{}, err
	}
	if length < 9 || length != 6+3*int(frame[5]) {
		return header{}, fmt.Errorf("%w: a frame header of %d bytes", ErrBroken, length)
	}
	h := header{contentType: "image/jpeg",
		height: int(binary.BigEndian.Uint16(frame[1:])), width: int(binary.BigEndian.Uint16(frame[3:]))}
	parts := frame[6:]
	across, down := 1, 1
	for c := parts; len(c) > 0; c = c[3:] {
		across, down = max(across, int(c[1]>>4)), max(down, int(c[1]&15))
	}
	// Samples are stored in whole blocks of 8 × 8, as many as the coarsest needs.
	w, high := int64(whole(h.width, 8*across)), int64(whole(h.height, 8*down))
	for c := parts; len(c) > 0; c = c[3:] {
		h.memory += w * high * int64(max(1, c[1]>>4)) * int64(max(1, c[1]&15)) / int64(across*down)
	}
	if marker&3 == 2 { // progressive: all coefficients are kept, of 4 bytes each
		h.memory *= 5
	}
	if len(parts) > 9 || rgb || parts[0] == 'R' {
		h.memory += 4 * w * high // it is converted
	}
	return h, nil
}

// whole returns n rounded up to a multiple of unit.
func whole(n, unit int) int { return (n + unit - 1) / unit * unit }
