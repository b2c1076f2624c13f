package picture

import (
	"image"
	"io"

	"github.com/bep/imagemeta"
)

// turn is EXIF's orientation of a picture, 1 to 8: what its first row and its
// first column are to whoever looks at it.
type turn uint16

const upright turn = 1 // also where nothing is said, or nonsense

var withEXIF = map[string]imagemeta.ImageFormat{
	"image/jpeg": imagemeta.JPEG, "image/png": imagemeta.PNG, "image/webp": imagemeta.WebP,
}

// orientation reads how a picture is to be turned; metadata that can't be read
// doesn't make a picture unreadable.
func orientation(r io.ReadSeeker, h header) turn {
	format, ok := withEXIF[h.contentType]
	if !ok || rewind(r) != nil {
		return upright
	}
	t := upright
	isOurs := func(tag imagemeta.TagInfo) bool { return tag.Tag == "Orientation" && tag.Namespace == "IFD0" }
	_, err := imagemeta.Decode(imagemeta.Options{
		R: r, ImageFormat: format, Sources: imagemeta.EXIF, ShouldHandleTag: isOurs,
		HandleTag: func(tag imagemeta.TagInfo) error {
			if n, ok := tag.Value.(uint16); ok && n >= 1 && n <= 8 {
				t = turn(n)
			}
			return imagemeta.ErrStopWalking
		},
	})
	if err != nil {
		return upright
	}
	return t
}

// swaps tells whether width and height change places.
func (t turn) swaps() bool { return t >= 5 }

// apply returns the picture as it is to be seen.
func (t turn) apply(src *image.RGBA) *image.RGBA {
	if t <= upright {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	size := image.Pt(w, h)
	if t.swaps() {
		size = image.Pt(h, w)
	}
	dst := image.NewRGBA(image.Rectangle{Max: size})
	for y := range h {
		row := src.Pix[y*src.Stride:]
		for x := range w {
			to := t.place(x, y, w, h)
			copy(dst.Pix[to.Y*dst.Stride+4*to.X:][:4], row[4*x:][:4])
		}
	}
	return dst
}

// place says where a pixel of a picture of w × h is to be seen.
func (t turn) place(x, y, w, h int) image.Point {
	switch t {
	case 2:
		return image.Pt(w-1-x, y)
	case 3:
		return image.Pt(w-1-x, h-1-y)
	case 4:
		return image.Pt(x, h-1-y)
	case 5:
		return image.Pt(y, x)
	case 6:
		return image.Pt(h-1-y, x)
	case 7:
		return image.Pt(h-1-y, w-1-x)
	case 8:
		return image.Pt(y, w-1-x)
	default:
		return image.Pt(x, y)
	}
}
