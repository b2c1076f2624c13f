package picture

import (
	"bufio"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
)

// decode decodes the first picture of a file, which may be smaller than the header
// says and stand anywhere in it.
func decode(r io.ReadSeeker, h header) (image.Image, error) {
	if err := rewind(r); err != nil {
		return nil, err
	}
	img, err := decoder(h)(r)
	if err != nil {
		return nil, err
	}
	if !img.Bounds().In(image.Rect(0, 0, h.width, h.height)) {
		return nil, fmt.Errorf("a picture of %v, announced as %d × %d", img.Bounds(), h.width, h.height)
	}
	return img, nil
}

func decoder(h header) func(io.ReadSeeker) (image.Image, error) {
	switch h.contentType {
	case "image/jpeg":
		return buffered(jpeg.Decode)
	case "image/png":
		return buffered(png.Decode)
	case "image/gif":
		return buffered(gif.Decode)
	default:
		return decodeWebP
	}
}

func buffered(decode func(io.Reader) (image.Image, error)) func(io.ReadSeeker) (image.Image, error) {
	return func(r io.ReadSeeker) (image.Image, error) { return decode(bufio.NewReaderSize(r, 64<<10)) }
}
