//go:build service

package scenario

import (
	"bytes"
	cryptorand "crypto/rand"
	"image"
	"image/color"
	"image/png"
	"testing"

	"codeberg.org/go-pdf/fpdf"
)

// handbook is a PDF of four pages with a fact on its third, and a line that makes
// these bytes new to Parley.
func handbook(t *testing.T) []byte {
	t.Helper()
	doc := fpdf.New("P", "mm", "A4", "")
	doc.SetFont("Helvetica", "", 12)
	for _, text := range []string{
		"Handbook of the harbour of Port Ellery, edition " + cryptorand.Text() + ". Ships report to the pier office before they moor.",
		"The crane lifts twelve tonnes. It is inspected every spring by the county.",
		"The parrot of the lighthouse keeper is called Zebulon. It is fed with walnuts.",
		"The ferry to the island leaves at half past seven, except on Sundays.",
	} {
		doc.AddPage()
		doc.MultiCell(0, 6, text, "", "", false)
	}
	var out bytes.Buffer
	if err := doc.Output(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// picture is a PNG of 320 × 200 pixels that nobody has sent before.
func picture(t *testing.T) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 320, 200))
	noise := make([]byte, 320)
	_, _ = cryptorand.Read(noise)
	for y := range 200 {
		for x := range 320 {
			img.Set(x, y, color.RGBA{R: noise[x], G: byte(y), B: 90, A: 255})
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// long is bytes that nobody has sent before.
func long(size int) []byte {
	data := make([]byte, size)
	_, _ = cryptorand.Read(data)
	return data
}
