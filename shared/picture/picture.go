// Package picture makes of an image that somebody sent what a page and a model
// show of it: a thumbnail and a copy of a size that models take. Both are encoded
// anew from pixels alone, turned as the camera was held, so nothing else that the
// file carried is in them: no place, device, name, comment, colour profile or
// hidden second file.
//
// # Formats
//
// JPEG, PNG, GIF and WebP (the first picture of an animation), known by their first
// bytes and not by a name. Colours are taken as sRGB: a picture with a wider
// profile loses some of its brilliance.
//
// HEIC is not among them. The library that Go has for it here, gen2brain/heic 0.4.5,
// runs libheif 1.18 as WebAssembly with no bound on memory or time and no way to set
// one: of 200 pictures of 700 bytes with a few bytes changed, one took 2.8 GB and
// 18 s, the next that grew ended the process at 4.9 GB. Its author's successor to
// it, gen2brain/h265, is in Go and worth a look once it can be had.
//
// # What may be expected of it
//
// A file is hostile until shown otherwise. Its dimensions are read from its header
// and what decoding will take is reckoned from them before a pixel is allocated; a
// picture that would take more than Limits is refused with ErrTooManyPixels. All
// that Make allocates, garbage included, is then less than Limits.Memory and
// Overhead. Its time grows with pixels and bytes, both limited; the caller's
// context stops it at the next read or step.
package picture

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
)

// Sizes of the copies, in pixels of the longer side. A smaller picture keeps its
// size.
const (
	ThumbnailSide = 320 // 160 on a page, at two pixels to the point
	// ModelSide is the most that hosted models look at before they scale down
	// themselves, and a whole number of patches (of 14, 16, 28 and 32 pixels) for
	// those that cut a picture into patches.
	ModelSide = 1568
)

// Overhead is what Make allocates at most besides what decoding takes, in bytes:
// the reduced picture, the scaler's buffer, the encoders and their results.
const Overhead = 256 << 20

const maxSide = 1<<16 - 1 // pixels; more is no picture, though PNG allows it

// Limits are what one picture may take.
type Limits struct {
	Bytes  int64 // of the file
	Pixels int64 // of the first picture in it, width × height
	Memory int64 // bytes that decoding it allocates
}

// Usual lets through what cameras and screens make: 64 megapixels, or as many as
// can be decoded in 320 MiB where a format takes more than 5 bytes for each
// (progressive JPEG, 16-bit or interlaced PNG, lossless WebP).
var Usual = Limits{Bytes: 128 << 20, Pixels: 64_000_000, Memory: 320 << 20}

// Set is what Make makes.
type Set struct {
	ContentType   string // of the file, by its content
	Width, Height int    // pixels, as it is to be seen
	Thumbnail     []byte // JPEG
	Model         []byte // JPEG, or PNG where that keeps lines sharp and is about as small
	ModelType     string // content type of Model
}

// Errors of Make; those of a read and of the context come as they are.
var (
	ErrFormat        = errors.New("no picture of a format that can be decoded")
	ErrTooManyPixels = errors.New("a picture with more pixels than may be decoded")
	ErrTooLarge      = errors.New("a picture with more bytes than may be read")
	ErrBroken        = errors.New("a broken picture")
)

// Make reads the picture in r, from its beginning, within the limits.
func Make(ctx context.Context, r io.ReadSeeker, limits Limits) (Set, error) {
	r = &source{ctx: ctx, r: r}
	h, err := look(r, limits)
	if err != nil {
		return Set{}, err
	}
	turn := orientation(r, h)
	src, err := decode(r, h)
	if err != nil {
		return Set{}, cause(ctx, err)
	}
	small := reduce(src, image.Rect(0, 0, h.width, h.height), ModelSide)
	if err := ctx.Err(); err != nil {
		return Set{}, err
	}
	w, high := fitting(h.width, h.height, ModelSide)
	model := scale(small, w, high)
	flatten(model)
	set := Set{ContentType: h.contentType, Width: h.width, Height: h.height}
	if turn.swaps() {
		set.Width, set.Height = h.height, h.width
	}
	return set, set.encode(turn.apply(model), h.lossless)
}

// cause says why a decoder failed: because it was stopped, or because of the bytes.
func cause(ctx context.Context, err error) error {
	if stopped := ctx.Err(); stopped != nil {
		return stopped
	}
	return fmt.Errorf("%w: %w", ErrBroken, err)
}

// source stops reading when its context is done.
type source struct {
	ctx context.Context
	r   io.ReadSeeker
}

func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}

func (s *source) Seek(offset int64, whence int) (int64, error) { return s.r.Seek(offset, whence) }
