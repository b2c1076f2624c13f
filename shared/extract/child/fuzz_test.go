package child

import (
	"bytes"
	"os"
	"testing"
	"unicode/utf8"

	"parley/shared/file"
	"parley/shared/passage"
)

// sound fails t unless a is an answer that may be given.
func sound(t *testing.T, a Answer) {
	t.Helper()
	if (a.Kind == file.Text) != (len(a.Passages) > 0) || (a.Kind == file.Other) != (a.Note != "" && a.Note != Truncated) {
		t.Fatalf("kind %s, note %q, %d passages", a.Kind, a.Note, len(a.Passages))
	}
	d := passage.Document{Version: passage.Version, Pages: a.Pages, Passages: a.Passages}
	for _, p := range a.Passages {
		d.Characters += utf8.RuneCountInString(p.Text)
		if !utf8.ValidString(p.Text) || p.Page < 0 || p.Page > a.Pages || p.Line < 1 || bytes.ContainsAny([]byte(p.Text), "\x00\f\r\x1b") {
			t.Fatalf("%+v", p)
		}
	}
	if _, err := passage.Encode(d); err != nil {
		t.Fatal(err)
	}
}

// FuzzRead reads files of any type but PDF and images, whose decoders aren't ours.
func FuzzRead(f *testing.F) {
	f.Add("a.txt", []byte("plain\r\ntext"))
	f.Add("a.md", []byte("# Head\n\nbody"))
	f.Add("a.html", []byte("<html><pre>a</pre><table><tr><td>b<table><td>c</table></table><svg>d"))
	f.Add("a.txt", []byte("\xff\xfea\x00\n\x00"))
	f.Add("a.txt", []byte("\x1b$B$9$Y\x1b(B"))
	f.Add("a.txt", []byte("\xe4\xf6\xfc \xe9"))
	f.Add("a.docx", wordFile(f, para("one")+`<w:tbl><w:tr><w:tc>`+para("a")+`</w:tc></w:tr></w:tbl>`))
	f.Add("a.pptx", slideFile(f, "<a:p><a:r><a:t>one</a:t></a:r></a:p>", "<p><t>two</t></p>"))
	f.Add("a.xlsx", sheetFile(f))
	f.Add("a.xlsx", sheetOf(f, `<row r="1"><c r="A1" t="s"><v>0</v></c></row>`, `<si><t>one</t></si>`))
	f.Add("a.odt", packed(f, "mimetype", "application/vnd.oasis.opendocument.text", "content.xml", "<a><p>one</p></a>"))
	f.Add("a.epub", packed(f, "mimetype", "application/epub+zip", "META-INF/container.xml", "<rootfile full-path='a'/>", "a", "<itemref/>"))
	quiet(f)
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		src := source{ReaderAt: bytes.NewReader(content), size: int64(len(content)), Job: Job{Name: name}}
		k, err := identify(src)
		if err != nil {
			t.Fatal(err)
		}
		if k.contentType == pdfType || isPicture[k.contentType] {
			t.Skip()
		}
		sound(t, answer(src, k))
	})
}

// FuzzXML reads the parts of Office files and OpenDocuments that are XML: texts,
// slides, sheets and the strings that those share.
func FuzzXML(f *testing.F) {
	f.Add(`<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>a</w:t><w:lastRenderedPageBreak/><w:br/></w:r></w:p>`)
	f.Add(`<tbl><tr><tc><tbl><tr><tc><p><t>x</t></p></tc></tr></tbl></tc></tr></tbl><footnote id="1"/>`)
	f.Add(`<a:p><a:pPr lvl="1"/><a:r><a:t>a</a:t></a:r><a:br/></a:p><a:tbl><a:tr><a:tc><a:p><a:t>b</a:t></a:p></a:tc></a:tr></a:tbl>`)
	f.Add(`<row r="1"><c r="A1" t="s"><v>0</v></c><c r="XFD1" s="1"><v>45000.5</v></c></row><row r="3"><c r="B3" t="inlineStr"><is><t>x</t></is></c><c t="b"><v>1</v></c></row>`)
	f.Add(`<si><r><t>a</t></r><r><t xml:space="preserve"> b</t></r></si><row r="1048576"><c r="A1048576" t="e"><v>#N/A</v></c></row>`)
	f.Add(`<p>a<list-item>b<s/><table><table-row><table-cell/></table-row></table></list-item></p><page/><page/>`)
	quiet(f)
	f.Fuzz(func(t *testing.T, body string) {
		for _, content := range [][]byte{
			wordFile(t, body), slideFile(t, body, body), sheetOf(t, body, body), packed(t, "mimetype", "application/vnd.oasis.opendocument.presentation", "content.xml", "<o>"+body+"</o>"),
		} {
			_, a := read(t, "a", content)
			sound(t, a)
		}
	})
}

// quiet keeps what children complain of out of the test's output.
func quiet(f *testing.F) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { null.Close() })
	os.Stderr = null
}
