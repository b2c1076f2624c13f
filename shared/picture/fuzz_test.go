package picture_test

import (
	"bytes"
	"errors"
	"image/jpeg"
	"testing"

	"parley/shared/picture"
)

// Whatever Make makes of bytes is a pair of pictures of the stated shape, within
// what it may allocate, or one of its errors.
func FuzzMake(f *testing.F) {
	for _, name := range []string{"progressive.jpg", "cmyk.jpg", "turned.webp", "lossy.webp", "alpha.webp", "lossless.webp",
		"animated.webp", "animated-alpha.webp", "animated-lossless.webp"} {
		f.Add(fixture(f, name))
	}
	f.Add(inJPEG(asJPEG(quarters(16, 12)), exif(6)))
	f.Add(inPNG(asPNG(quarters(16, 12)), append([]byte("eXIf"), tiff(8)...)))
	f.Add(asGIF(2, quarters(16, 12)))
	f.Fuzz(func(t *testing.T, file []byte) {
		const memory = 4 << 20
		limits := picture.Limits{Bytes: 1 << 20, Pixels: 1 << 18, Memory: memory}
		var set picture.Set
		var err error
		cost := allocated(func() { set, err = picture.Make(t.Context(), bytes.NewReader(file), limits) })
		// Pixels is few enough to know the overhead better: copies, the scaler, the encoders.
		if cost > memory+48<<20 {
			t.Errorf("%d bytes were allocated", cost)
		}
		if err != nil {
			for _, known := range []error{picture.ErrFormat, picture.ErrBroken, picture.ErrTooManyPixels, picture.ErrTooLarge} {
				if errors.Is(err, known) {
					return
				}
			}
			t.Fatal(err)
		}
		small, err := jpeg.DecodeConfig(bytes.NewReader(set.Thumbnail))
		if err != nil || max(small.Width, small.Height) > picture.ThumbnailSide {
			t.Fatalf("a thumbnail of %d × %d: %v", small.Width, small.Height, err)
		}
		size := decoded(t, "model's", set.Model).Bounds().Size()
		if set.Width >= set.Height != (size.X >= size.Y) || max(size.X, size.Y) != min(max(set.Width, set.Height), picture.ModelSide) {
			t.Fatalf("a copy of %v of a picture of %d × %d", size, set.Width, set.Height)
		}
	})
}
