package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
)

// Qualities of JPEG.
const (
	modelQuality     = 85
	thumbnailQuality = 80
)

// encode fills in the copies. The picture is no larger than the model's.
func (s *Set) encode(model *image.RGBA, lossless bool) error {
	w, h := fitting(model.Rect.Dx(), model.Rect.Dy(), ThumbnailSide)
	var err error
	if s.Thumbnail, err = encodeJPEG(scale(model, w, h), thumbnailQuality); err != nil {
		return err
	}
	if s.Model, err = encodeJPEG(model, modelQuality); err != nil {
		return err
	}
	s.ModelType = "image/jpeg"
	if !lossless {
		return nil
	}
	sharp, err := encodePNG(model, 2*len(s.Model))
	if err == nil {
		s.Model, s.ModelType = sharp, "image/png"
	}
	if errors.Is(err, errFull) {
		return nil
	}
	return err
}

func encodeJPEG(img *image.RGBA, quality int) ([]byte, error) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("encode a JPEG: %w", err)
	}
	return b.Bytes(), nil
}

// encodePNG gives up with errFull as soon as the PNG is larger than limit bytes: a
// photograph is, and soon.
func encodePNG(img *image.RGBA, limit int) ([]byte, error) {
	b := bounded{limit: limit}
	if err := png.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("encode a PNG: %w", err)
	}
	return b.Bytes(), nil
}

var errFull = errors.New("larger than is of use")

// bounded is a buffer of at most limit bytes.
type bounded struct {
	bytes.Buffer
	limit int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.limit {
		return 0, errFull
	}
	return b.Buffer.Write(p)
}

// flatten puts a ground behind what can be seen through, as models and JPEG know no
// transparency and each would make something else of it: white, but dark behind a
// picture that is nearly white itself and would be lost on it.
func flatten(img *image.RGBA) {
	var light, seen int
	for p := img.Pix; len(p) >= 4; p = p[4:] {
		light += (299*int(p[0]) + 587*int(p[1]) + 114*int(p[2])) / 1000
		seen += int(p[3])
	}
	if seen == 255*len(img.Pix)/4 {
		return
	}
	ground := 255
	if light > seen*9/10 {
		ground = 48
	}
	for p := img.Pix; len(p) >= 4; p = p[4:] {
		behind := byte(ground * (255 - int(p[3])) / 255)
		p[0], p[1], p[2], p[3] = p[0]+behind, p[1]+behind, p[2]+behind, 255
	}
}
