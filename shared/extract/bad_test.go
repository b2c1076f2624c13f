package extract

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"parley/shared/extract/child"
	"parley/shared/file"
)

// reader builds the program whose memory can be limited.
var reader = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "reader")
	build := exec.Command("go", "build", "-o", path, "./testdata/reader")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as functions are built
	out, err := build.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// limited returns a Runner whose children have their limit of memory in any build.
func limited(t *testing.T) Runner {
	t.Helper()
	path, err := reader()
	if err != nil {
		t.Fatal(err)
	}
	return Runner{Program: path}
}

// megabytes returns head and so many megabytes of text after it, deflated: the
// deflated text is only repeated, so that a gigabyte takes no time.
func megabytes(t *testing.T, head, text string, n int) []byte {
	t.Helper()
	b := bytes.NewBuffer(deflate(t, head))
	b.Write(bytes.Repeat(deflate(t, strings.Repeat(text, 1<<20/len(text))), n))
	b.Write([]byte{3, 0}) // an empty last block
	return b.Bytes()
}

// deflate returns text deflated, to be followed by more.
func deflate(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zipped returns a ZIP of files.
func zipped(t *testing.T, files map[string]string) string {
	t.Helper()
	return bombed(t, files, "", nil, 0)
}

// bombed returns a ZIP of files, and of one more that is deflated already and has so
// many megabytes.
func bombed(t *testing.T, files map[string]string, name string, deflated []byte, size int) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if name != "" {
		w, err := z.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Deflate,
			CompressedSize64: uint64(len(deflated)), UncompressedSize64: uint64(size) << 20})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(deflated); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const (
	relations = `<Relationships><Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="%s"/></Relationships>`
	docxType  = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	xlsxType  = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)

func docx(t *testing.T, document string) string {
	return zipped(t, map[string]string{"_rels/.rels": fmt.Sprintf(relations, "word/document.xml"), "word/document.xml": document})
}

// docxBomb is a document that unpacks to a gigabyte.
func docxBomb(t *testing.T, head, text string) string {
	rels := map[string]string{"_rels/.rels": fmt.Sprintf(relations, "word/document.xml")}
	return bombed(t, rels, "word/document.xml", megabytes(t, head, text, 1<<10), 1<<10)
}

func TestZIPBombs(t *testing.T) {
	run := limited(t)
	many := map[string]string{}
	for i := range 25_000 {
		many[fmt.Sprint(i)] = ""
	}
	book := map[string]string{"_rels/.rels": fmt.Sprintf(relations, "xl/workbook.xml"), "xl/workbook.xml": "<workbook/>"}
	rows := megabytes(t, "<worksheet><sheetData>", `<row><c t="n"><v>1</v></c></row>`, 1<<10)
	for name, c := range map[string]struct{ content, contentType, note string }{
		"elements": {docxBomb(t, "<a>", "<b></b>"), docxType, "too_complex"},
		"a word":   {docxBomb(t, "<t>", "a"), docxType, "too_complex"},
		"deep":     {docx(t, strings.Repeat("<b>", 100_000)), docxType, "too_complex"},
		"workbook": {bombed(t, book, "xl/worksheets/sheet1.xml", rows, 1<<10), xlsxType, "too_complex"},
		"many":     {zipped(t, many), "application/zip", "too_complex"},
		// What is in a ZIP isn't unpacked, so this costs nothing.
		"nested": {zipped(t, map[string]string{"b.zip": docxBomb(t, "", "0")}), "application/zip", "unsupported"},
	} {
		t.Run(name, func(t *testing.T) {
			res := read(t, run, "a", c.content)
			noted(t, res, c.contentType, c.note)
			if res.Cost.CPU > 10*time.Second {
				t.Errorf("%+v", res.Cost)
			}
		})
	}
}

// What a document declares of itself is never believed or expanded.
func TestEntityBombs(t *testing.T) {
	dtd := `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">`
	for i := range 9 {
		name := fmt.Sprintf("lol%d", i+1)
		dtd += fmt.Sprintf(`<!ENTITY %s "%s">`, name, strings.Repeat("&"+strings.TrimSuffix(fmt.Sprintf("lol%d", i), "0")+";", 10))
	}
	bomb := dtd + `]><t>&lol9;</t>`
	noted(t, read(t, limited(t), "a.docx", docx(t, bomb)), docxType, "unreadable")
	if res := read(t, limited(t), "a.xml", bomb); res.Kind != file.Text || res.Document.Characters != len(bomb) {
		t.Errorf("%+v, note %+v", res, res.Note)
	}
	secret := `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><document><body><p><t>&x;</t></p></body></document>`
	noted(t, read(t, limited(t), "a.docx", docx(t, secret)), docxType, "unreadable")
}

// objects returns a PDF of these objects, the first of which is its root.
func objects(bodies ...string) string {
	var b strings.Builder
	b.WriteString("%PDF-1.7\n")
	var offsets []int
	for i, body := range bodies {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, body)
	}
	at := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(bodies)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(bodies)+1, at)
	return b.String()
}

const (
	root  = "<</Type/Catalog/Pages 2 0 R>>"
	fonts = "/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>/MediaBox[0 0 600 800]"
)

// stream returns a stream of a PDF that is deflated already, as often as it says. Its
// checksum is wrong, which readers of PDF overlook.
func stream(deflated []byte, times int) string {
	body := "x\x9c" + string(deflated) + "\x00\x00\x00\x00"
	return fmt.Sprintf("<</Length %d/Filter[%s]>>stream\n%s\nendstream", len(body), strings.Repeat("/FlateDecode", times), body)
}

func TestPDFBombs(t *testing.T) {
	run := limited(t)
	page := "<</Type/Page/Parent 2 0 R" + fonts + "/Contents 4 0 R>>"
	for name, c := range map[string]struct{ file, note string }{
		"deflated":       {objects(root, "<</Type/Pages/Kids[3 0 R]/Count 1>>", page, stream(megabytes(t, "BT /F 12 Tf (x) Tj ET ", " ", 1<<10), 1)), "too_complex"},
		"deflated twice": {objects(root, "<</Type/Pages/Kids[3 0 R]/Count 1>>", page, stream(append(deflate(t, "x\x9c"+string(megabytes(t, "", " ", 1<<10))), 3, 0), 2)), "too_complex"},
		"much text":      {objects(root, "<</Type/Pages/Kids[3 0 R]/Count 1>>", page, stream(megabytes(t, "BT /F 12 Tf ", "(many words) Tj ", 60), 1)), "too_complex"},
		"deep arrays":    {objects(root, "<</Type/Pages/Kids[3 0 R]/Count 1>>", page, stream(megabytes(t, "", "[", 32), 1)), "no_text"},
		"tree loop":      {objects(root, "<</Type/Pages/Kids[2 0 R 2 0 R]/Count 1000000>>"), "unreadable"},
		"form loop": {objects(root, "<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>",
			"<</Length 5>>stream\n/X Do\nendstream", "<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>/Length 11>>stream\n/X Do /X Do\nendstream"), "too_complex"},
		"table loop": {strings.Replace(objects(root, "<</Type/Pages/Kids[]/Count 0>>"), "/Root", "/Prev 9/Root", 1), "unreadable"},
		"many pages": {objects(root, "<</Type/Pages/Kids["+strings.Repeat("3 0 R ", 10)+"]/Count 2000000000>>", page, stream([]byte{3, 0}, 1)), "no_text"},
	} {
		t.Run(name, func(t *testing.T) {
			res := read(t, run, "a.pdf", c.file)
			t.Logf("%d bytes: kind %s, note %v, %.100q, %+v", len(c.file), res.Kind, res.Note, res.Cause, res.Cost)
			noted(t, res, "application/pdf", c.note)
		})
	}
}

// tenThousand is a PDF of as many pages.
func tenThousand() string {
	parts := []string{root, "", "<</Length 31>>stream\nBT /F 12 Tf (all the same) Tj ET \nendstream"}
	var kids strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&kids, "%d 0 R ", i+4)
		parts = append(parts, "<</Type/Page/Parent 2 0 R"+fonts+"/Contents 3 0 R>>")
	}
	parts[1] = "<</Type/Pages/Kids[" + kids.String() + "]/Count 10000>>"
	return objects(parts...)
}

func TestTenThousandPages(t *testing.T) {
	res := read(t, limited(t), "a.pdf", tenThousand())
	if res.Kind != file.Text || res.Pages != 10_000 || res.Note == nil || res.Note.Code != "truncated" {
		t.Fatalf("%s, %d pages, note %+v, %s", res.Kind, res.Pages, res.Note, res.Cause)
	}
	if last := res.Document.Passages[len(res.Document.Passages)-1]; last.Page != child.MaxPages || !res.Document.Truncated {
		t.Errorf("ends on page %d", last.Page)
	}
}

// A child whose processor time is spent is ended by the kernel, not by the clock.
func TestProcessorTime(t *testing.T) {
	run := limited(t)
	run.CPU = time.Second
	noted(t, read(t, run, "a.pdf", tenThousand()), "application/pdf", "timed_out")
}

func TestPolyglots(t *testing.T) {
	gif := "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
	for _, c := range []struct {
		name, content, contentType string
		kind                       file.Kind
	}{
		{"GIF and ZIP", gif + docx(t, "<document/>"), "image/gif", file.Image},
		{"PDF and HTML", pdf(t, plain, "seen") + "<html><script>alert(1)</script>", "application/pdf", file.Text},
		{"HTML, then PDF", "<html><body>hidden</body><!--\n" + pdf(t, plain, "seen"), "application/pdf", file.Text},
		{"HTML, then ZIP", "<html><body>hidden</body><!--\n" + docx(t, "<document/>"), "application/octet-stream", file.Other},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := read(t, limited(t), "a.html", c.content)
			if res.ContentType != c.contentType || res.Kind != c.kind {
				t.Fatalf("%+v, note %+v", res, res.Note)
			}
			if c.kind == file.Text && res.Document.Passages[0].Text != "seen" {
				t.Errorf("%+v", res.Document.Passages)
			}
		})
	}
}

// packs returns a file that says one of each type that is a ZIP.
func packs(t *testing.T) map[string]string {
	t.Helper()
	rel := func(kind, target string) string {
		return fmt.Sprintf(`<Relationships><Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/%s" Target="%s"/></Relationships>`, kind, target)
	}
	f, sheets := excelize.NewFile(), &bytes.Buffer{}
	if err := errors.Join(f.SetCellValue("Sheet1", "A1", "one"), f.Write(sheets)); err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"a.docx": docx(t, "<document><p><t>one</t></p></document>"),
		"a.pptx": zipped(t, map[string]string{"_rels/.rels": rel("officeDocument", "ppt/presentation.xml"), "ppt/_rels/presentation.xml.rels": rel("slide", "slides/slide1.xml"),
			"ppt/presentation.xml":  `<p xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sldId r:id="r"/></p>`,
			"ppt/slides/slide1.xml": "<sld><p><t>one</t></p></sld>"}),
		"a.xlsx": sheets.String(),
		"a.odt":  zipped(t, map[string]string{"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<o><p>one</p></o>"}),
		"a.epub": zipped(t, map[string]string{"mimetype": "application/epub+zip", "META-INF/container.xml": `<rootfile full-path="a"/>`,
			"a": `<package><item id="i" href="b"/><itemref idref="i"/></package>`, "b": "<html><body><p>one</p></body></html>"}),
	}
}

// A file of any type that is cut anywhere is kept, with what can be read of it.
func TestTruncatedFiles(t *testing.T) {
	files := packs(t)
	maps.Copy(files, map[string]string{
		"a.pdf":  pdf(t, plain, "one", "two"),
		"a.html": "<html><body><p>one</p></body></html>", "a.txt": "\xff\xfeo\x00n\x00e\x00",
	})
	for name, whole := range files {
		if res := read(t, limited(t), name, whole); res.Kind != file.Text || res.Note != nil || !strings.Contains(res.Document.Passages[0].Text, "one") {
			t.Fatalf("%s, whole: %+v, note %+v", name, res, res.Note)
		}
		for _, at := range []int{1, 4, len(whole) / 2, len(whole) * 9 / 10, len(whole) - 1} {
			res := read(t, limited(t), name, whole[:at])
			if (res.Kind == file.Other) != (res.Note != nil) || res.Kind == file.Image {
				t.Errorf("%s cut at %d: %+v, note %+v", name, at, res, res.Note)
			}
		}
	}
}

func TestNothingAndNoise(t *testing.T) {
	noted(t, read(t, limited(t), "a.pdf", ""), "application/octet-stream", "empty")
	random := rand.NewChaCha8([32]byte{5})
	noise := make([]byte, 1<<20)
	random.Read(noise)
	noted(t, read(t, limited(t), "a.txt", string(noise)), "application/octet-stream", "unsupported")
	for name, head := range map[string]string{"application/pdf": "%PDF-1.7\n", "image/png": "\x89PNG\r\n\x1a\n", "application/zip": "PK\x03\x04"} {
		res := read(t, limited(t), "a", head+string(noise))
		noted(t, res, name, "unreadable")
	}
}

func TestLimits(t *testing.T) {
	run := limited(t)
	long := strings.Repeat("All work and no play makes Jack a dull boy.\n", 150_000)
	for name, c := range map[string]struct {
		run  Runner
		note string
	}{
		"memory": {Runner{Program: run.Program, Memory: 40 << 20}, "too_complex"},
		"wall":   {Runner{Program: run.Program, Wall: time.Millisecond}, "timed_out"},
		"output": {Runner{Program: run.Program, Output: 1 << 20}, "too_complex"},
	} {
		t.Run(name, func(t *testing.T) {
			res := read(t, c.run, "a.txt", long)
			if res.Note == nil || res.Note.Code != c.note || res.Kind != file.Other || res.Document != nil {
				t.Errorf("%+v, note %+v", res, res.Note)
			}
		})
	}
}

// A child that goes wrong in whatever way is its file's failure.
func TestStrangeChildren(t *testing.T) {
	for program, note := range map[string]string{
		"/bin/false": "unreadable", "/bin/true": "unreadable", "/bin/echo": "unreadable", "/usr/bin/yes": "too_complex",
	} {
		if res := read(t, Runner{Program: program, Output: 1 << 20}, "a.txt", "text"); res.Note == nil || res.Note.Code != note {
			t.Errorf("%s: %+v", program, res)
		}
	}
}

func TestNoChild(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (Runner{Program: "/nonexistent"}).Run(t.Context(), path, "a", ""); err == nil {
		t.Error("no error")
	}
	if _, err := (Runner{}).Run(t.Context(), path+"x", "a", ""); err == nil {
		t.Error("no error for a file that isn't there")
	}
}
