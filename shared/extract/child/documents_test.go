package child

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"parley/shared/file"
	"parley/shared/passage"
)

// packed returns a ZIP of files, given as name, content, name, content.
func packed(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const (
	relsHead = `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
	relsKind = `http://schemas.openxmlformats.org/officeDocument/2006/relationships/`
	wordHead = `<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><w:body>`
)

// wordFile returns a Word document with that body.
func wordFile(t testing.TB, body string, more ...string) []byte {
	return packed(t, append([]string{
		"_rels/.rels", relsHead + `<Relationship Id="rId1" Type="` + relsKind + `officeDocument" Target="word/document.xml"/></Relationships>`,
		"word/document.xml", wordHead + body + `</w:body></w:document>`}, more...)...)
}

func para(text string) string { return `<w:p><w:r><w:t>` + text + `</w:t></w:r></w:p>` }

func TestWord(t *testing.T) {
	_, a := read(t, "a.docx", wordFile(t,
		`<w:p><w:pPr><w:pStyle w:val="berschrift1"/></w:pPr><w:r><w:t>Harvest</w:t></w:r></w:p>`+
			`<w:p><w:r><w:t xml:space="preserve">Apples </w:t></w:r><w:r><w:t>&amp; pears</w:t><w:tab/><w:t>end</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r></w:p>`+
			`<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>first</w:t></w:r></w:p>`+
			`<w:tbl><w:tr><w:tc>`+para("a")+para("b")+`</w:tc><w:tc>`+para("c")+`</w:tc></w:tr><w:tr><w:tc>`+para("d")+`</w:tc><w:tc>`+para("")+`</w:tc></w:tr></w:tbl>`+
			`<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:r><w:instrText>PAGE</w:instrText></w:r>`+
			`<mc:AlternateContent><mc:Choice>`+para("once")+`</mc:Choice><mc:Fallback>`+para("twice")+`</mc:Fallback></mc:AlternateContent></w:p>`,
		"word/_rels/document.xml.rels", relsHead+`<Relationship Id="a" Type="`+relsKind+`styles" Target="styles.xml"/><Relationship Id="b" Type="`+relsKind+`footnotes" Target="/word/footnotes.xml"/></Relationships>`,
		"word/styles.xml", `<w:styles xmlns:w="w"><w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style></w:styles>`,
		"word/footnotes.xml", `<w:footnotes xmlns:w="w"><w:footnote w:type="separator" w:id="0">`+para("no")+`</w:footnote><w:footnote w:id="2">`+para("of 1911")+`</w:footnote></w:footnotes>`))
	want := "# Harvest\n\nApples & pears\tend[^2]\n\n- first\n\na b\tc\nd\n\nonce\n\n[^2]: of 1911"
	if got := whole(a); got != want || a.Pages != 0 || a.Lines != 12 || a.Kind != file.Text {
		t.Errorf("%q\n%+v", got, a)
	}
}

func TestWordKnowsItsPages(t *testing.T) {
	broken := `<w:p><w:pPr><w:pStyle w:val="Heading2"/></w:pPr><w:r><w:lastRenderedPageBreak/><w:t>Second</w:t></w:r></w:p>`
	_, a := read(t, "a.docx", wordFile(t, para("First")+broken+para("more"),
		"word/_rels/document.xml.rels", relsHead+`<Relationship Id="a" Type="`+relsKind+`styles" Target="styles.xml"/></Relationships>`,
		"word/styles.xml", `<w:styles xmlns:w="w"><w:style w:styleId="Heading2"><w:name w:val="heading 2"/></w:style></w:styles>`))
	want := []passage.Passage{{Page: 1, Line: 1, Text: "First"}, {Page: 2, Line: 1, Text: "## Second\n\nmore"}}
	if a.Pages != 2 || a.Lines != 0 || len(a.Passages) != 2 || a.Passages[0] != want[0] || a.Passages[1] != want[1] {
		t.Errorf("%+v", a)
	}
}

// slideFile returns a presentation of two slides, which stand in it in the opposite
// order.
func slideFile(t testing.TB, first, second string) []byte {
	slide := func(body string) string { return `<p:sld xmlns:p="p" xmlns:a="a">` + body + `</p:sld>` }
	return packed(t,
		"_rels/.rels", relsHead+`<Relationship Id="r" Type="`+relsKind+`officeDocument" Target="ppt/presentation.xml"/></Relationships>`,
		"ppt/presentation.xml", `<p:presentation xmlns:p="p" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><p:sldIdLst><p:sldId id="256" r:id="b"/><p:sldId id="257" r:id="a"/></p:sldIdLst></p:presentation>`,
		"ppt/_rels/presentation.xml.rels", relsHead+`<Relationship Id="a" Type="`+relsKind+`slide" Target="slides/slide1.xml"/><Relationship Id="b" Type="`+relsKind+`slide" Target="slides/slide2.xml"/></Relationships>`,
		"ppt/slides/slide1.xml", slide(second), "ppt/slides/slide2.xml", slide(first))
}

func TestSlides(t *testing.T) {
	line := func(text string) string { return `<a:p><a:r><a:t>` + text + `</a:t></a:r></a:p>` }
	is, a := read(t, "a.pptx", slideFile(t, line("first")+line("x"), line("last")+line("x")))
	if is != office+"presentationml.presentation" || a.Pages != 2 || whole(a) != "first\nxlast\nx" || a.Passages[1].Page != 2 {
		t.Errorf("%s %+v", is, a)
	}
}

// sheetFile returns a workbook as Excel would write it.
func sheetFile(t testing.TB) []byte {
	f := excelize.NewFile()
	set := func(sheet, cell string, v any) {
		if err := f.SetCellValue(sheet, cell, v); err != nil {
			t.Fatal(err)
		}
	}
	set("Sheet1", "A1", "name\nof fruit")
	set("Sheet1", "C1", 12.5)
	set("Sheet1", "A3", time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC))
	if _, err := f.NewSheet("Prices"); err != nil {
		t.Fatal(err)
	}
	set("Prices", "B2", true)
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sheetOf returns a workbook of one sheet with that body and those shared strings.
func sheetOf(t testing.TB, body, shared string) []byte {
	const main = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	return packed(t,
		"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>`,
		"_rels/.rels", relsHead+`<Relationship Id="r" Type="`+relsKind+`officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml", `<workbook `+main+` xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="One" sheetId="1" r:id="a"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels", relsHead+`<Relationship Id="a" Type="`+relsKind+`worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="b" Type="`+relsKind+`sharedStrings" Target="sharedStrings.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml", `<worksheet `+main+`><sheetData>`+body+`</sheetData></worksheet>`,
		"xl/sharedStrings.xml", `<sst `+main+`>`+shared+`</sst>`)
}

func TestSharedStrings(t *testing.T) {
	is, a := read(t, "a.xlsx", sheetOf(t, `<row r="1"><c r="A1" t="s"><v>1</v></c><c r="B1"><v>2.5</v></c></row>`, `<si><t>no</t></si><si><t>yes</t></si>`))
	if is != office+"spreadsheetml.sheet" || a.Pages != 1 || whole(a) != "## One\n\nyes\t2.5" {
		t.Errorf("%s %q %+v", is, whole(a), a)
	}
}

func TestSheets(t *testing.T) {
	is, a := read(t, "a.bin", sheetFile(t))
	want := []passage.Passage{{Page: 1, Line: 1, Text: "## Sheet1\n\nname of fruit\t\t12.5\n11-22-26"}, {Page: 2, Line: 1, Text: "## Prices\n\n\tTRUE"}}
	if is != office+"spreadsheetml.sheet" || a.Pages != 2 || len(a.Passages) != 2 || a.Passages[0] != want[0] || a.Passages[1] != want[1] {
		t.Errorf("%s %+v", is, a)
	}
}

func TestOpenDocument(t *testing.T) {
	is, a := read(t, "a.odt", packed(t, "mimetype", "application/vnd.oasis.opendocument.text", "content.xml",
		`<o:body xmlns:o="o" xmlns:t="t" xmlns:b="b"><t:tracked-changes><t:p>no</t:p></t:tracked-changes><t:h t:outline-level="2">Head</t:h>
		<t:p>one <t:s/>two<t:line-break/>three<t:note><t:note-body><t:p>aside</t:p></t:note-body></t:note></t:p>
		<t:list><t:list-item><t:p>item</t:p></t:list-item></t:list>
		<b:table><b:table-row><b:table-cell><t:p>a</t:p></b:table-cell><b:table-cell><t:p>b</t:p></b:table-cell></b:table-row></b:table></o:body>`))
	want := "## Head\n\none  two\nthree [aside]\n\n- item\n\na\tb"
	if got := whole(a); got != want || is != "application/vnd.oasis.opendocument.text" || a.Pages != 0 {
		t.Errorf("%q %s %+v", got, is, a)
	}
}

func TestBook(t *testing.T) {
	_, a := read(t, "a.epub", packed(t, "mimetype", "application/epub+zip",
		"META-INF/container.xml", `<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>`,
		"OPS/book.opf", `<package><manifest><item id="a" href="one%20.xhtml"/><item id="b" href="two.xhtml"/></manifest><spine><itemref idref="b"/><itemref idref="a"/></spine></package>`,
		"OPS/one .xhtml", `<html><body><p>later</p></body></html>`, "OPS/two.xhtml", `<html><head><title>Book</title></head><body><p>sooner</p></body></html>`))
	if got := whole(a); a.Pages != 2 || got != "# Book\n\nsoonerlater" {
		t.Errorf("%q %+v", got, a)
	}
}

func TestHTML(t *testing.T) {
	is, a := read(t, "page", []byte(`<!DOCTYPE html><html><head><meta charset="iso-8859-2"><title>Fruit &amp; more</title><style>p{color:red}</style></head>
		<body><h2>Apples</h2><script>alert("no")</script><p>Red  and
		gr<b>een</b> jab`+"\xb3"+`ko.</p><ul><li>one<li>two</ul><table><tr><th>a</th><th>b</th></tr><tr><td><p>1</p></td><td>2</td></tr></table>
		<pre>x
  y</pre><img src="x" alt="a tree"><svg><text>no</text></svg></body></html>`))
	want := "# Fruit & more\n\n## Apples\n\nRed and green jabłko.\n\n- one\n- two\n\na\tb\n1\t2\n\nx\n  y\n\na tree"
	if got := whole(a); got != want || is != htmlType {
		t.Errorf("%s\n%q\n%q", is, got, want)
	}
}

func TestWhatATextIs(t *testing.T) {
	for _, c := range []struct{ name, content, contentType string }{
		{"README.md", "<p align=center>\n# Title\n</p>", markdownType},
		{"a.csv", "a;b\n1;2\n", "text/csv"},
		{"a.tsv", "a\tb\n1\t2\n", "text/tab-separated-values"},
		{"main.go", "package main\n", plainType},
		{"index.php", "<html><?php echo 1 ?></html>", plainType},
		{"a.json", `{"a": [1, 2]}`, "application/json"},
		{"a.xml", `<?xml version="1.0"?><a>b</a>`, "text/xml"},
		{"logo.png", `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><text>Hi</text></svg>`, "image/svg+xml"},
		{"about.txt", "A PDF begins with %PDF-1.7 and so on.\n", plainType},
		{"a.pdf", "no PDF at all", plainType},
		{"run.exe", "#!/bin/sh\necho hi\n", plainType},
	} {
		is, a := read(t, c.name, []byte(c.content))
		if is != c.contentType || a.Kind != file.Text || whole(a) != strings.TrimSpace(c.content) {
			t.Errorf("%s: %s %+v", c.name, is, a)
		}
	}
}

func TestWhatASenderSaysOfAText(t *testing.T) {
	for _, c := range []struct{ name, declared, content, contentType string }{
		{"notes", "text/markdown; charset=utf-8", "# Head", markdownType},
		{"notes.txt", "text/markdown", "# Head", plainType},
		{"notes", "application/pdf", "# Head", plainType},
		{"picture", "text/csv", "\x89PNG\r\n\x1a\n\x00\x00", "image/png"},
	} {
		src := source{ReaderAt: strings.NewReader(c.content), size: int64(len(c.content)), Job: Job{Name: c.name, Declared: c.declared}}
		if k, err := identify(src); err != nil || k.contentType != c.contentType {
			t.Errorf("%+v: %s, %v", c, k.contentType, err)
		}
	}
}
