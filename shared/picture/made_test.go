package picture_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// The colours of the picture that tests make: from left to right, then down.
var corners = [4]color.RGBA{{220, 20, 20, 255}, {20, 200, 20, 255}, {20, 20, 220, 255}, {230, 230, 20, 255}}

// quarters returns a picture with a colour in each quarter.
func quarters(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, corners[2*(2*y/h)+2*x/w])
		}
	}
	return img
}

func isQuarters(t *testing.T, what string, encoded []byte) {
	t.Helper()
	img := decoded(t, what, encoded)
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	for i, want := range corners {
		got := img.At((1+2*(i%2))*w/4, (1+2*(i/2))*h/4)
		if !alike(got, want) {
			t.Errorf("%s: quarter %d is %v, want %v", what, i, got, want)
		}
	}
}

func alike(a, b color.Color) bool {
	r, g, bl, _ := a.RGBA()
	r2, g2, bl2, _ := b.RGBA()
	return near(r, r2) && near(g, g2) && near(bl, bl2)
}

func near(a, b uint32) bool { return max(a, b)-min(a, b) < 30<<8 }

func decoded(t *testing.T, what string, encoded []byte) image.Image {
	t.Helper()
	img, _, err := image.Decode(bytes.NewReader(encoded))
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return img
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func asPNG(img image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func asJPEG(img image.Image) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func asGIF(frames int, img image.Image) []byte {
	var b bytes.Buffer
	p := image.NewPaletted(img.Bounds(), color.Palette{corners[0], corners[1], corners[2], corners[3]})
	for y := range p.Rect.Dy() {
		for x := range p.Rect.Dx() {
			p.Set(x, y, img.At(x, y))
		}
	}
	g := gif.GIF{Image: []*image.Paletted{p}, Delay: []int{0}}
	blank := image.NewPaletted(p.Rect, p.Palette)
	for range frames - 1 {
		g.Image, g.Delay = append(g.Image, blank), append(g.Delay, 0)
	}
	if err := gif.EncodeAll(&b, &g); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// inJPEG puts segments behind the first marker of a JPEG.
func inJPEG(file []byte, segments ...[]byte) []byte {
	out := bytes.Clone(file[:2])
	for _, s := range segments {
		out = append(out, 0xff, s[0])
		out = binary.BigEndian.AppendUint16(out, uint16(len(s)+1))
		out = append(out, s[1:]...)
	}
	return append(out, file[2:]...)
}

// inPNG puts chunks behind the header of a PNG.
func inPNG(file []byte, chunks ...[]byte) []byte {
	out := bytes.Clone(file[:33])
	for _, c := range chunks {
		out = binary.BigEndian.AppendUint32(out, uint32(len(c)-4))
		out = append(out, c...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(c))
	}
	return append(out, file[33:]...)
}

// tiff returns EXIF with that orientation, a camera and a place.
func tiff(orientation byte) []byte {
	b := []byte("MM\x00*\x00\x00\x00\x08")
	b = append(b, 0, 3)                                                      // tags
	b = append(b, 0x01, 0x0f, 0, 2, 0, 0, 0, 7, 0, 0, 0, 50)                 // Make, at 50
	b = append(b, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0)        // Orientation
	b = append(b, 0x88, 0x25, 0, 4, 0, 0, 0, 1, 0, 0, 0, 58)                 // GPS, at 58
	b = append(b, 0, 0, 0, 0)                                                // no more
	b = append(b, "SECRET\x00\x00"...)                                       // at 50
	return append(b, 0, 1, 0, 1, 0, 2, 0, 0, 0, 2, 'N', 0, 0, 0, 0, 0, 0, 0) // GPSLatitudeRef
}

func exif(orientation byte) []byte { return append([]byte("\xe1Exif\x00\x00"), tiff(orientation)...) }
