package picture

import (
	"image"

	"golang.org/x/image/draw"
)

// fitting returns the dimensions of w × h within side, each at least 1.
func fitting(w, h, side int) (int, int) {
	long := max(w, h)
	if long <= side {
		return w, h
	}
	return max(1, (w*side+long/2)/long), max(1, (h*side+long/2)/long)
}

// reduce draws the part of src that is area, made smaller by whole numbers so that
// it is less than twice what fits in side: each of its pixels is the mean of a
// block. A scaler's own buffer for a large picture would be larger than that
// picture, and it would take longer to come to what can't be told from this.
// It reads src a row at a time, in whatever way that stores its colours.
func reduce(src image.Image, area image.Rectangle, side int) *image.RGBA {
	w, h := area.Dx(), area.Dy()
	tw, th := fitting(w, h, side)
	m := mean{width: w, across: max(1, w/tw), down: max(1, h/th)}
	if m.across == 1 && m.down == 1 {
		dst := image.NewRGBA(image.Rect(0, 0, w, h))
		draw.Draw(dst, dst.Rect, src, area.Min, draw.Src)
		return dst
	}
	m.dst = image.NewRGBA(image.Rect(0, 0, whole(w, m.across)/m.across, whole(h, m.down)/m.down))
	m.sums = make([]uint32, 4*m.dst.Rect.Dx())
	row := image.NewRGBA(image.Rect(0, 0, w, 1))
	for y := range h {
		clear(row.Pix) // src may be smaller than area
		draw.Draw(row, row.Rect, src, area.Min.Add(image.Pt(0, y)), draw.Src)
		m.add(row.Pix)
	}
	m.end()
	return m.dst
}

// mean takes rows of pixels and makes one of each block of across × down. Blocks
// at the right and lower edges may have fewer.
type mean struct {
	dst          *image.RGBA
	width        int // of a row
	across, down int
	sums         []uint32 // of the blocks of the row of dst that comes next
	rows         int      // of pixels in sums
	done         int      // rows of dst
}

func (m *mean) add(pix []byte) {
	for sum := m.sums; len(pix) > 0; sum = sum[4:] {
		n := min(4*m.across, len(pix))
		var r, g, b, a uint32
		for p := pix[:n]; len(p) >= 4; p = p[4:] {
			r, g, b, a = r+uint32(p[0]), g+uint32(p[1]), b+uint32(p[2]), a+uint32(p[3])
		}
		sum[0], sum[1], sum[2], sum[3] = sum[0]+r, sum[1]+g, sum[2]+b, sum[3]+a
		pix = pix[n:]
	}
	if m.rows++; m.rows == m.down {
		m.end()
	}
}

// end completes a row of blocks.
func (m *mean) end() {
	if m.rows == 0 {
		return
	}
	to := m.dst.Pix[m.done*m.dst.Stride:]
	for i, sum := range m.sums {
		columns := min(m.across, m.width-i/4*m.across)
		n := uint32(columns * m.rows)
		to[i] = byte((sum + n/2) / n)
	}
	clear(m.sums)
	m.rows, m.done = 0, m.done+1
}

// scale scales a picture down to w × h.
func scale(src *image.RGBA, w, h int) *image.RGBA {
	if src.Rect.Dx() == w && src.Rect.Dy() == h {
		return src
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.CatmullRom.Scale(dst, dst.Rect, src, src.Rect, draw.Src, nil)
	return dst
}
