package picture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"runtime"
	"testing"

	"parley/shared/picture"
)

// allocated returns how many bytes a call allocates in all, garbage included.
func allocated(call func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	call()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// sized returns a PNG that says it has those dimensions.
func sized(w, h uint32, depth, interlaced byte) []byte {
	file := asPNG(quarters(8, 8))
	header := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	header = binary.BigEndian.AppendUint32(header, h)
	header = append(header, depth, 6, 0, 0, interlaced)
	return append(inPNG(file, header)[:8], inPNG(file, header)[33:]...)
}

// frame returns a JPEG up to the header of its frame.
func frame(marker byte, w, h uint16, sampling ...byte) []byte {
	b := append([]byte("\xff\xd8\xff"), marker)
	b = binary.BigEndian.AppendUint16(b, uint16(8+3*len(sampling)))
	b = binary.BigEndian.AppendUint16(append(b, 8), h)
	b = append(binary.BigEndian.AppendUint16(b, w), byte(len(sampling)))
	for i, s := range sampling {
		b = append(b, byte(i+1), s, 0)
	}
	return append(b, make([]byte, 100)...)
}

// riff returns a WebP of those chunks; a chunk of an odd length is padded.
func riff(chunks ...string) []byte {
	b := []byte("RIFF\x00\x00\x00\x00WEBP")
	for _, c := range chunks {
		b = binary.LittleEndian.AppendUint32(append(b, c[:4]...), uint32(len(c)-4))
		b = append(b, c[4:]...)
		b = append(b, make([]byte, len(c)%2)...)
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

func TestBombsAreRefusedBeforeTheyAreDecoded(t *testing.T) {
	gif := asGIF(1, quarters(8, 8))
	copy(gif[6:], "\xff\xff\xff\xff")
	lie := riff("VP8 aaaaaaaaaaaaaaaaaaaaaaaa")
	binary.LittleEndian.PutUint32(lie[4:], 1<<31-2)
	binary.LittleEndian.PutUint32(lie[16:], 1<<31-100)
	lossless := fixture(t, "lossless.webp")
	for _, test := range []struct {
		what string
		file []byte
		want error
	}{
		{"PNG of 50,000²", sized(50_000, 50_000, 8, 0), picture.ErrTooManyPixels},
		{"PNG of 2³¹ × 1", sized(1<<31-1, 1, 8, 0), picture.ErrTooManyPixels},
		{"PNG of 65,536 × 1", sized(65_536, 1, 8, 0), picture.ErrTooManyPixels},
		{"PNG of 2³² − 1", sized(1<<32-1, 1, 8, 0), picture.ErrBroken},
		{"interlaced PNG of 8,000²", sized(8_000, 8_000, 8, 1), picture.ErrTooManyPixels},
		{"16-bit PNG of 8,000²", sized(8_000, 8_000, 16, 0), picture.ErrTooManyPixels},
		{"PNG of nothing", sized(0, 8, 8, 0), picture.ErrBroken},
		{"GIF of 65,535²", gif, picture.ErrTooManyPixels},
		{"JPEG of 65,535²", frame(0xc0, 65_535, 65_535, 0x22, 0x11, 0x11), picture.ErrTooManyPixels},
		{"progressive JPEG of 8,000²", frame(0xc2, 8_000, 8_000, 0x11, 0x11, 0x11), picture.ErrTooManyPixels},
		{"JPEG that is mostly chroma", frame(0xc0, 20_000, 3_000, 0x11, 0x44, 0x44), picture.ErrBroken},
		{"WebP of 16,383²", riff("VP8 aaaaaa\xff\x3f\xff\x3faaaaaaaaaaaaaaaa"), picture.ErrTooManyPixels},
		{"lossless WebP of 16,384²", riff("VP8L\x2f\xff\xff\xff\x0faaaaaaaaaaaaaaaa"), picture.ErrTooManyPixels},
		{"WebP of 2²⁴ × 1", riff("VP8X\x00\x00\x00\x00\xff\xff\xff\x00\x00\x00", "VP8Laaaaaaaaaaaaaaaaaaaa"), picture.ErrTooManyPixels},
		{"WebP with a chunk of 2 GB", lie, picture.ErrBroken},
		{"small WebP with a large picture", riff("VP8X\x00\x00\x00\x00\x07\x00\x00\x07\x00\x00", "VP8L\x2f\xff\xff\xff\x0faaaaaaaaaaaaaaaa"), picture.ErrBroken},
		{"animation with a large frame", riff("VP8X\x02\x00\x00\x00\x07\x00\x00\x07\x00\x00",
			"ANMF\x00\x00\x00\x00\x00\x00\x07\x00\x00\x07\x00\x00\x00\x00\x00\x00VP8L\x14\x00\x00\x00\x2f\xff\xff\xff\x0faaaaaaaaaaaaaaaa"), picture.ErrBroken},
		{"animation with a frame beside it", riff("VP8X\x02\x00\x00\x00\x3f\x00\x00\x2f\x00\x00",
			"ANMF\x01\x00\x00\x00\x00\x00\x3f\x00\x00\x2f\x00\x00\x00\x00\x00\x00"+string(lossless[12:])), picture.ErrBroken},
	} {
		if len(test.file) > 4096 {
			t.Errorf("%s has %d bytes: not much of a bomb", test.what, len(test.file))
		}
		var err error
		cost := allocated(func() { _, err = picture.Make(t.Context(), bytes.NewReader(test.file), picture.Usual) })
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.what, err, test.want)
		}
		if cost > 512<<10 {
			t.Errorf("%s: %d bytes were allocated to refuse it", test.what, cost)
		}
	}
}

func TestOnlyTheFirstPictureOfAnAnimationCosts(t *testing.T) {
	one := allocated(func() { make1(t, "GIF", asGIF(1, quarters(100, 100))) })
	file := asGIF(500, quarters(100, 100))
	many := allocated(func() { make1(t, "GIF", file) })
	if many > one {
		t.Errorf("500 frames take %d bytes, one takes %d", many, one)
	}
}

// The costs that headers announce are the upper bound of what is allocated.
func TestMemoryIsBounded(t *testing.T) {
	deep := image.NewNRGBA64(image.Rect(0, 0, 600, 600))
	for i := range deep.Pix {
		deep.Pix[i] = byte(i)
	}
	for _, test := range []struct {
		what   string
		file   []byte
		memory int64 // bytes that decoding may take: the least that lets it through
	}{
		{"PNG", asPNG(quarters(worst, worst)), 4 * worst * worst},
		{"16-bit PNG", asPNG(deep), 8 * 600 * 600},
		{"JPEG", asJPEG(quarters(1201, 800)), 1216 * 800 * 3 / 2},
		{"GIF", asGIF(1, quarters(900, 600)), 2 * 900 * 600},
	} {
		limits := picture.Limits{Bytes: int64(len(test.file)), Pixels: 25_000_000, Memory: test.memory}
		var err error
		cost := allocated(func() { _, err = picture.Make(t.Context(), bytes.NewReader(test.file), limits) })
		if err != nil {
			t.Errorf("%s: %v", test.what, err)
		}
		if cost > test.memory+picture.Overhead {
			t.Errorf("%s: %d bytes were allocated, %d for decoding", test.what, cost, test.memory)
		}
		limits.Memory--
		if _, err := picture.Make(t.Context(), bytes.NewReader(test.file), limits); !errors.Is(err, picture.ErrTooManyPixels) {
			t.Errorf("%s with a byte less: %v", test.what, err)
		}
	}
}
