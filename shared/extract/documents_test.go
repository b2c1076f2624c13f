package extract

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"codeberg.org/go-pdf/fpdf"

	"parley/shared/file"
	"parley/shared/passage"
)

// pdf returns a PDF with a page for each text.
func pdf(t *testing.T, prepare func(*fpdf.Fpdf), pages ...string) string {
	t.Helper()
	f := fpdf.New("P", "mm", "A4", "")
	prepare(f)
	f.SetFont("Helvetica", "", 14)
	for _, text := range pages {
		f.AddPage()
		f.Cell(0, 10, text)
	}
	var b bytes.Buffer
	if err := f.Output(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func plain(*fpdf.Fpdf) {}

func TestPDF(t *testing.T) {
	res := read(t, limited(t), "a.txt", pdf(t, plain, "The treasure is under the oak.", "", "The key is in the well."))
	want := []passage.Passage{{Page: 1, Line: 1, Text: "The treasure is under the oak."}, {Page: 3, Line: 1, Text: "The key is in the well."}}
	if res.ContentType != "application/pdf" || res.Kind != file.Text || res.Pages != 3 || res.Note != nil {
		t.Fatalf("%+v, note %+v", res, res.Note)
	}
	if got := res.Document.Passages; len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%+v", got)
	}
}

func TestPDFWithPassword(t *testing.T) {
	locked := func(f *fpdf.Fpdf) { f.SetProtection(fpdf.CnProtectPrint, "open", "owner") }
	noted(t, read(t, limited(t), "a.pdf", pdf(t, locked, "secret")), "application/pdf", "password_protected")
}

// A PDF that anybody may open, though not change, is one without a password.
func TestPDFThatMayBeRead(t *testing.T) {
	free := func(f *fpdf.Fpdf) { f.SetProtection(fpdf.CnProtectPrint, "", "owner") }
	if res := read(t, limited(t), "a.pdf", pdf(t, free, "plain")); res.Kind != file.Text || res.Document.Passages[0].Text != "plain" {
		t.Errorf("%+v, note %+v", res, res.Note)
	}
}

func TestScan(t *testing.T) {
	noted(t, read(t, limited(t), "a.pdf", pdf(t, plain, "", "")), "application/pdf", "no_text")
}

// noted fails t unless res is kept unread with that note.
func noted(t *testing.T, res Result, contentType, code string) {
	t.Helper()
	if res.Note == nil || res.Note.Code != code || res.Note.Detail == "" || res.ContentType != contentType {
		t.Fatalf("%+v, note %+v, want %s and %s", res, res.Note, contentType, code)
	}
	if code != "truncated" && (res.Kind != file.Other || res.Document != nil || res.Picture != nil) {
		t.Errorf("%+v", res)
	}
}

// What cleans folders for temporary files leaves PDFium to be compiled anew, and no
// PDF unread.
func TestACompiledPDFiumThatIsGone(t *testing.T) {
	run, content := limited(t), pdf(t, plain, "text")
	read(t, run, "a.pdf", content)
	run.Cache = filepath.Join(t.TempDir(), "cache") // of its own, so that others keep theirs
	if err := os.Mkdir(run.Cache, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(run.Cache, os.DirFS(filepath.Join(os.TempDir(), fmt.Sprintf("parley-pdfium-%d", os.Getuid())))); err != nil {
		t.Fatal(err)
	}
	read(t, run, "a.pdf", content)
	folders, err := filepath.Glob(filepath.Join(run.Cache, "wazero-*"))
	if err != nil || len(folders) != 1 {
		t.Fatalf("%q, %v", folders, err)
	}
	if err := os.RemoveAll(folders[0]); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := run.Run(t.Context(), path, "a.pdf", ""); err == nil {
		t.Error("read without a PDFium")
	}
	if res := read(t, run, "a.pdf", content); res.Kind != file.Text {
		t.Errorf("%+v, note %+v", res, res.Note)
	}
}

func TestPicture(t *testing.T) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 4000, 3000)), nil); err != nil {
		t.Fatal(err)
	}
	res := read(t, limited(t), "notes.txt", b.String())
	if res.ContentType != "image/jpeg" || res.Kind != file.Image || res.Width != 4000 || res.Height != 3000 || res.Note != nil {
		t.Fatalf("%s %s %d x %d, note %+v", res.ContentType, res.Kind, res.Width, res.Height, res.Note)
	}
	for what, copied := range map[string][]byte{"thumbnail": res.Thumbnail, "picture": res.Picture} {
		if c, form, err := image.DecodeConfig(bytes.NewReader(copied)); err != nil || c.Width >= 4000 || what == "thumbnail" && form != "jpeg" {
			t.Errorf("%s: %d wide, %s, %v", what, c.Width, form, err)
		}
	}
}

func TestPixelBomb(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	bomb := b.Bytes()
	copy(bomb[16:], "\x00\x00\xff\xff\x00\x00\xff\xff") // width and height
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(bomb[12:29]))
	noted(t, read(t, limited(t), "a.png", string(bomb)), "image/png", "too_many_pixels")
}
