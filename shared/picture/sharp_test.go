package picture_test

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"
)

// Lines of a pixel, as letters on a screen have them.
func page(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			ink := color.RGBA{250, 250, 250, 255}
			if x%8 == 3 || y%10 == 4 || x%32 == y%32 {
				ink = color.RGBA{20, 20, 60, 255}
			}
			img.SetRGBA(x, y, ink)
		}
	}
	return img
}

func TestAScreenThatFitsIsCopiedToThePixel(t *testing.T) {
	screen := page(700, 300)
	set := make1(t, "screen", asPNG(screen))
	if set.ModelType != "image/png" {
		t.Fatalf("a screen is copied as %s", set.ModelType)
	}
	if at, same := difference(screen, decoded(t, "screen", set.Model)); !same {
		t.Errorf("the copy is another picture at %v", at)
	}
}

func difference(a, b image.Image) (image.Point, bool) {
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			r, g, bl, _ := a.At(x, y).RGBA()
			r2, g2, bl2, _ := b.At(x, y).RGBA()
			if r != r2 || g != g2 || bl != bl2 {
				return image.Pt(x, y), false
			}
		}
	}
	return image.Point{}, a.Bounds().Size() == b.Bounds().Size()
}

// What is scaled down keeps its contrast: the light between lines of 2 or 3 pixels
// stays lighter, line for line.
func TestLinesOfALargePageCanBeToldApart(t *testing.T) {
	for _, w := range []int{1800, 3000, 3136, 3900, 4800} {
		img := image.NewGray(image.Rect(0, 0, w, 60))
		period := 4 * w / 1568 // pixels from line to line: 4 of the copy, or a little less
		for i := range img.Pix {
			if img.Pix[i] = 255; i%w%period < period/2 {
				img.Pix[i] = 0
			}
		}
		got := decoded(t, "lines", make1(t, "lines", asPNG(img)).Model)
		dark, light := 0, 0
		for x := range got.Bounds().Dx() {
			grey := color.GrayModel.Convert(got.At(x, 10)).(color.Gray).Y
			if grey < 64 {
				dark++
			}
			if grey > 191 {
				light++
			}
		}
		if least := 4 * got.Bounds().Dx() / 10; min(dark, light) < least*7/10 {
			t.Errorf("of %d columns of a page %d wide, %d are dark and %d light", got.Bounds().Dx(), w, dark, light)
		}
	}
}

func TestAPhotographIsCopiedAsJPEG(t *testing.T) {
	noise := rand.New(rand.NewPCG(3, 4))
	img := image.NewRGBA(image.Rect(0, 0, 300, 200))
	for i := range img.Pix {
		img.Pix[i] = byte(128 + 60*math.Sin(float64(i)/3000) + float64(noise.IntN(40)))
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	if set := make1(t, "photograph", asPNG(img)); set.ModelType != "image/jpeg" {
		t.Errorf("a photograph is copied as %s of %d bytes", set.ModelType, len(set.Model))
	}
}
