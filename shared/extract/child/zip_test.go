package child

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"

	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

func openedPack(t *testing.T, content []byte) *pack {
	t.Helper()
	p, err := openPack(source{ReaderAt: bytes.NewReader(content), size: int64(len(content))})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAllThatIsUnpackedIsBounded(t *testing.T) {
	p := openedPack(t, packed(t, "a", strings.Repeat("a", 600), "b", strings.Repeat("b", 600)))
	p.left = 1000
	if err := p.measure("a"); err != nil {
		t.Fatal(err)
	}
	if err := p.measure("b"); !errors.Is(err, errTooComplex) {
		t.Errorf("%v", err)
	}
}

// A header may state any size.
func TestAHeaderThatLies(t *testing.T) {
	raw := packed(t, "a", strings.Repeat("a", 5000))
	at := bytes.LastIndex(raw, []byte("PK\x01\x02"))
	copy(raw[at+24:], []byte{16, 0, 0, 0}) // bytes, unpacked
	if err := openedPack(t, raw).measure("a"); !errors.Is(err, zip.ErrFormat) {
		t.Errorf("%v", err)
	}
}

func TestZIPWithPassword(t *testing.T) {
	raw := wordFile(t, para("secret"))
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	old, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range old.File {
		if f.Name == "word/document.xml" {
			f.Flags |= 1
		}
		if err := z.Copy(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, a := read(t, "a.docx", b.Bytes()); a.Note != PasswordProtected {
		t.Errorf("%+v", a)
	}
}

func TestOfficeFileWithPassword(t *testing.T) {
	var b bytes.Buffer
	if err := excelize.NewFile().Write(&b, excelize.Options{Password: "open"}); err != nil {
		t.Fatal(err)
	}
	is, a := read(t, "a.xlsx", b.Bytes())
	if a.Note != PasswordProtected || is != oleType {
		t.Errorf("%s %+v", is, a)
	}
}

func TestTwoFilesOfOneName(t *testing.T) {
	raw := packed(t, "word/document.xml", "a", "word/document.xml", "b")
	if _, err := openPack(source{ReaderAt: bytes.NewReader(raw), size: int64(len(raw))}); err == nil {
		t.Error("one of them was taken")
	}
}

func TestXMLIsNotTooDeep(t *testing.T) {
	p := openedPack(t, packed(t, "a", strings.Repeat("<a>", maxDepth+1)))
	if err := p.walk("a", func(xml.Token) error { return nil }); !errors.Is(err, errTooComplex) {
		t.Errorf("%v", err)
	}
}
