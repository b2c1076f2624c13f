package picture_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"strings"
	"testing"

	"parley/shared/picture"
)

func make1(t *testing.T, what string, file []byte) picture.Set {
	t.Helper()
	set, err := picture.Make(t.Context(), bytes.NewReader(file), picture.Usual)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return set
}

func TestEveryFormatIsSeenAsItIs(t *testing.T) {
	for _, test := range []struct {
		name, contentType string
		file              []byte
	}{
		{"JPEG", "image/jpeg", asJPEG(quarters(64, 48))},
		{"progressive JPEG", "image/jpeg", fixture(t, "progressive.jpg")},
		{"CMYK JPEG", "image/jpeg", fixture(t, "cmyk.jpg")},
		{"PNG", "image/png", asPNG(quarters(64, 48))},
		{"GIF", "image/gif", asGIF(1, quarters(64, 48))},
		{"animated GIF", "image/gif", asGIF(3, quarters(64, 48))},
		{"WebP", "image/webp", fixture(t, "lossy.webp")},
		{"lossless WebP", "image/webp", fixture(t, "lossless.webp")},
		{"animated WebP", "image/webp", fixture(t, "animated.webp")},
	} {
		set := make1(t, test.name, test.file)
		if set.ContentType != test.contentType || set.Width != 64 || set.Height != 48 {
			t.Errorf("%s: %s of %d × %d", test.name, set.ContentType, set.Width, set.Height)
		}
		isQuarters(t, test.name+"'s thumbnail", set.Thumbnail)
		isQuarters(t, test.name+"'s copy for the model", set.Model)
	}
}

func TestSmallCopiesOfLargePictures(t *testing.T) {
	for _, test := range []struct{ w, h, thumbW, thumbH, modelW, modelH int }{
		{3200, 800, 320, 80, 1568, 392},
		{250, 1999, 40, 320, 196, 1568},
		{1569, 400, 320, 82, 1568, 400},
		{1568, 10, 320, 2, 1568, 10},
		{20000, 4, 320, 1, 1568, 1},
		{2, 9999, 1, 320, 1, 1568},
		{7, 5, 7, 5, 7, 5},
	} {
		set := make1(t, "PNG", asPNG(quarters(test.w, test.h)))
		for _, copied := range []struct {
			what    string
			encoded []byte
			w, h    int
		}{{"thumbnail", set.Thumbnail, test.thumbW, test.thumbH}, {"model's", set.Model, test.modelW, test.modelH}} {
			if got := decoded(t, copied.what, copied.encoded).Bounds().Size(); got != image.Pt(copied.w, copied.h) {
				t.Errorf("%s of %d × %d is %v, want %d × %d", copied.what, test.w, test.h, got, copied.w, copied.h)
			}
			if min(copied.w, copied.h) > 16 { // JPEG keeps colours of smaller ones only roughly
				isQuarters(t, copied.what, copied.encoded)
			}
		}
	}
}

// Each row is what a camera stores when it is held so; all are to look alike.
func TestPicturesStandUpright(t *testing.T) {
	for orientation := byte(0); orientation <= 9; orientation++ {
		held := hold(quarters(64, 48), orientation)
		for what, file := range map[string][]byte{
			"JPEG": inJPEG(asJPEG(held), exif(orientation)),
			"PNG":  inPNG(asPNG(held), append([]byte("eXIf"), tiff(orientation)...)),
		} {
			set := make1(t, what, file)
			if set.Width != 64 || set.Height != 48 {
				t.Errorf("%s with orientation %d: %d × %d", what, orientation, set.Width, set.Height)
			}
			isQuarters(t, what, set.Thumbnail)
			isQuarters(t, what, set.Model)
		}
	}
	set := make1(t, "WebP", fixture(t, "turned.webp"))
	if set.Width != 64 || set.Height != 48 {
		t.Errorf("WebP: %d × %d", set.Width, set.Height)
	}
	isQuarters(t, "WebP", set.Model)
}

// hold stores a picture as EXIF's table defines the orientations: which visual side
// row 0 and column 0 are.
func hold(img *image.RGBA, orientation byte) image.Image {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	right, bottom := w-1, h-1
	stored := image.NewRGBA(image.Rect(0, 0, w, h))
	if orientation >= 5 && orientation <= 8 {
		stored = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for row := range stored.Rect.Dy() {
		for column := range stored.Rect.Dx() {
			var x, y int
			switch orientation {
			default: // row 0 is the top, column 0 the left
				x, y = column, row
			case 2: // top, right
				x, y = right-column, row
			case 3: // bottom, right
				x, y = right-column, bottom-row
			case 4: // bottom, left
				x, y = column, bottom-row
			case 5: // left, top
				x, y = row, column
			case 6: // right, top
				x, y = right-row, column
			case 7: // right, bottom
				x, y = right-row, bottom-column
			case 8: // left, bottom
				x, y = row, bottom-column
			}
			stored.SetRGBA(column, row, img.RGBAAt(x, y))
		}
	}
	return stored
}

func TestWhatCanBeSeenThroughHasAGround(t *testing.T) {
	glyph := func(ink color.RGBA) []byte {
		img := image.NewNRGBA(image.Rect(0, 0, 40, 40))
		for i := range 20 {
			for j := range 10 {
				img.Set(10+i, 15+j, ink)
			}
		}
		return asPNG(img)
	}
	for _, test := range []struct {
		what      string
		file      []byte
		ink, bare color.Color // at 20, 20 and at 60 % of the picture's width and 75 % of its height
	}{
		{"black on nothing", glyph(color.RGBA{0, 0, 0, 255}), color.Black, color.White},
		{"white on nothing", glyph(color.RGBA{255, 255, 255, 255}), color.White, color.Gray{48}},
		{"WebP with alpha", fixture(t, "alpha.webp"), corners[0], color.White},
		{"animated WebP with alpha", fixture(t, "animated-alpha.webp"), corners[0], color.White},
		{"animated lossless WebP", fixture(t, "animated-lossless.webp"), corners[0], color.White},
	} {
		set := make1(t, test.what, test.file)
		for _, encoded := range [][]byte{set.Thumbnail, set.Model} {
			img := decoded(t, test.what, encoded)
			size := img.Bounds().Size()
			if got := img.At(20, 20); !alike(got, test.ink) {
				t.Errorf("%s: ink is %v", test.what, got)
			}
			if got := img.At(size.X*8/10, size.Y*8/10); !alike(got, test.bare) {
				t.Errorf("%s: ground is %v", test.what, got)
			}
		}
	}
}

func TestOtherFilesAreNoPictures(t *testing.T) {
	for what, file := range map[string]string{
		"nothing": "", "a byte": "\xff", "PDF": "%PDF-1.7\n1 0 obj", "SVG": `<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`,
		"zip": "PK\x03\x04aaaaaaaaaaaaaaaaaaaaaaaa", "AVI": "RIFF\x00\x00\x00\x00AVI LISTaaaaaaaaaaaaaaaaa", "text": strings.Repeat("GIF", 40),
	} {
		_, err := picture.Make(t.Context(), strings.NewReader(file), picture.Usual)
		if !errors.Is(err, picture.ErrFormat) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestBrokenPicturesAreErrors(t *testing.T) {
	files := map[string][]byte{"JPEG": asJPEG(quarters(64, 48)), "PNG": asPNG(quarters(64, 48)), "GIF": asGIF(2, quarters(64, 48))}
	for _, name := range []string{"progressive.jpg", "cmyk.jpg", "turned.webp", "alpha.webp", "lossless.webp", "animated.webp", "animated-alpha.webp"} {
		files[name] = fixture(t, name)
	}
	for what, file := range files {
		for n := range len(file) {
			_, err := picture.Make(t.Context(), bytes.NewReader(file[:n]), picture.Usual)
			if err == nil && n < len(file)/2 {
				t.Errorf("%s: the first %d of %d bytes are a picture", what, n, len(file))
			}
			if err != nil && !errors.Is(err, picture.ErrBroken) && !errors.Is(err, picture.ErrFormat) {
				t.Errorf("%s, %d bytes: %v", what, n, err)
			}
		}
	}
}

func TestACallThatIsStoppedStops(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	file := asJPEG(quarters(2000, 2000))
	r := &stopping{Reader: bytes.NewReader(file), stop: stop, after: len(file) / 2}
	if _, err := picture.Make(ctx, r, picture.Usual); !errors.Is(err, context.Canceled) || errors.Is(err, picture.ErrBroken) {
		t.Errorf("a stopped call: %v", err)
	}
	if _, err := picture.Make(t.Context(), bytes.NewReader(file), picture.Limits{Bytes: int64(len(file)) - 1, Pixels: 1e9, Memory: 1e9}); !errors.Is(err, picture.ErrTooLarge) {
		t.Errorf("a file over the limit: %v", err)
	}
}

// stopping stops a call when so many bytes were read.
type stopping struct {
	*bytes.Reader
	stop  func()
	after int
}

func (s *stopping) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p[:min(len(p), 4096)])
	if s.after -= n; s.after < 0 {
		s.stop()
	}
	return n, err
}
