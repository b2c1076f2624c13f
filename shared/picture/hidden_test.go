package picture_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// What is hidden in these files is in the files alone: copies consist of the parts
// that a picture needs, and of nothing after them.
func TestNothingButThePictureIsCopied(t *testing.T) {
	icc := append([]byte("\xe2ICC_PROFILE\x00\x01\x01"), bytes.Repeat([]byte("SECRET"), 30)...)
	xmp := []byte("\xe1http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta>SECRET</x:xmpmeta>")
	iptc := []byte("\xedPhotoshop 3.0\x008BIM\x04\x04\x00\x00\x00\x00\x00\x0b\x1c\x02\x69\x00\x06SECRET")
	html, zip := "<script>alert('SECRET')</script>", "PK\x03\x04SECRET"
	files := map[string][]byte{
		"JPEG": append(inJPEG(asJPEG(quarters(64, 48)), exif(1), xmp, iptc, icc, []byte("\xfe"+html)), zip...),
		"PNG": append(inPNG(asPNG(quarters(64, 48)), append([]byte("eXIf"), tiff(1)...), []byte("tEXtComment\x00"+html),
			[]byte("iTXtXML:com.adobe.xmp\x00\x00\x00\x00\x00<x:xmpmeta>SECRET</x:xmpmeta>"), []byte("prVtSECRET")), zip...),
		"GIF":  append(bytes.Replace(asGIF(1, quarters(64, 48)), []byte(","), []byte("!\xfe\x06SECRET\x00,"), 1), zip...),
		"WebP": append(fixture(t, "turned.webp"), zip...),
	}
	for what, file := range files {
		if !bytes.Contains(file, []byte("SECRET")) {
			t.Fatalf("%s: there is nothing to lose in it", what)
		}
		set := make1(t, what, file)
		for _, encoded := range [][]byte{set.Thumbnail, set.Model} {
			isQuarters(t, what, encoded)
			if bytes.Contains(encoded, []byte("SECRET")) {
				t.Errorf("%s: a secret was copied", what)
			}
			for _, part := range parts(t, encoded) {
				if !slices.Contains([]string{"IHDR", "IDAT", "IEND", "\xdb", "\xc0", "\xc4", "\xda"}, part) {
					t.Errorf("%s: a copy has a part %q", what, part)
				}
			}
		}
	}
}

// parts returns the names of a PNG's chunks or a JPEG's segments, and fails if
// there is anything behind them.
func parts(t *testing.T, file []byte) (names []string) {
	t.Helper()
	rest, isPNG := bytes.CutPrefix(file, []byte("\x89PNG\r\n\x1a\n"))
	for isPNG && len(rest) > 0 {
		n := 12 + binary.BigEndian.Uint32(rest)
		names, rest = append(names, string(rest[4:8])), rest[n:]
	}
	if isPNG {
		return names
	}
	for rest = rest[2:]; len(names) == 0 || names[len(names)-1] != "\xda"; {
		n := 2 + binary.BigEndian.Uint16(rest[2:])
		names, rest = append(names, string(rest[1:2])), rest[n:]
	}
	for i, b := range rest[:len(rest)-2] { // the scan: no marker in it, and the end behind it
		if b == 0xff && rest[i+1] != 0 {
			t.Errorf("a marker %x in a scan", rest[i+1])
		}
	}
	if !bytes.HasSuffix(rest, []byte("\xff\xd9")) {
		t.Error("something stands behind the picture")
	}
	return names
}
