package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klippa-app/go-pdfium"
	pdferrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
)

// pdfMemory is what PDFium may hold, in pages of 64 KiB. It grows by being copied, so
// that on its way there it takes several times as much of the child's memory.
const pdfMemory = 128 << 20 >> 16

// maxPageText is how many characters one page of a PDF may have.
const maxPageText = 4 << 20

// openPDFium starts PDFium, compiled before into the folder cache or else now. It
// sees no file and no network: it gets the PDF's bytes when it asks for them.
func openPDFium(ctx context.Context, cache string) (pdfium.Pdfium, error) {
	config := wazero.NewRuntimeConfig().WithMemoryLimitPages(pdfMemory)
	if cache != "" {
		compiled, err := wazero.NewCompilationCacheWithDir(cache)
		if err != nil {
			return nil, fmt.Errorf("open the compiled PDFium: %w", err)
		}
		config = config.WithCompilationCache(compiled)
	}
	pool, err := webassembly.Init(webassembly.Config{
		MaxIdle: 1, MaxTotal: 1, RuntimeConfig: config, FSConfig: wazero.NewFSConfig(),
		Stdout: io.Discard, Stderr: io.Discard,
	})
	if err != nil {
		return nil, fmt.Errorf("start PDFium: %w", err)
	}
	return pool.GetInstanceWithContext(ctx)
}

// readPDF reads the text of a PDF, page by page. A page that can't be read is left
// out, as long as another one can.
func readPDF(_ context.Context, src source) (Answer, error) {
	if src.pdfium == nil {
		return Answer{}, errors.New("PDFium wasn't started")
	}
	open, err := src.pdfium.OpenDocument(&requests.OpenDocument{FileReader: src.reader(), FileReaderSize: src.size})
	if errors.Is(err, pdferrors.ErrPassword) || errors.Is(err, pdferrors.ErrSecurity) {
		return Answer{}, errPassword
	}
	if err != nil {
		return Answer{}, fmt.Errorf("open the PDF: %w", err)
	}
	count, err := src.pdfium.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: open.Document})
	if err != nil {
		return Answer{}, fmt.Errorf("count the pages of the PDF: %w", err)
	}
	return readPages(pdf{src.pdfium, open.Document}, count.PageCount)
}

func readPages(doc pdf, total int) (Answer, error) {
	var b book
	var failure error
	for n := 1; n <= min(total, MaxPages); n++ {
		text, err := doc.page(n)
		if errors.Is(err, pdferrors.ErrPage) {
			failure = err
			continue
		}
		if err != nil { // PDFium itself broke off, which it does for want of memory
			failure = fmt.Errorf("read page %d: %w: %w", n, errTooComplex, err)
			b.full = true
			break
		}
		if !b.add(n, text) {
			break
		}
	}
	if b.size == 0 && failure != nil {
		return Answer{}, failure
	}
	b.full = b.full || total > MaxPages
	return b.answer(total), nil
}

// pdf is an open PDF.
type pdf struct {
	pdfium.Pdfium
	doc references.FPDF_DOCUMENT
}

// page returns the text of page n, from 1.
func (p pdf) page(n int) (string, error) {
	page, err := p.FPDF_LoadPage(&requests.FPDF_LoadPage{Document: p.doc, Index: n - 1})
	if err != nil {
		return "", err
	}
	text, err := p.text(requests.Page{ByReference: &page.Page})
	if err != nil {
		return "", err
	}
	if _, err := p.FPDF_ClosePage(&requests.FPDF_ClosePage{Page: page.Page}); err != nil {
		return "", err
	}
	return text, nil
}

func (p pdf) text(page requests.Page) (string, error) {
	open, err := p.FPDFText_LoadPage(&requests.FPDFText_LoadPage{Page: page})
	if err != nil {
		return "", err
	}
	count, err := p.FPDFText_CountChars(&requests.FPDFText_CountChars{TextPage: open.TextPage})
	if err != nil {
		return "", err
	}
	text := ""
	if count.Count > 0 {
		got, err := p.FPDFText_GetText(&requests.FPDFText_GetText{TextPage: open.TextPage, Count: min(count.Count, maxPageText)})
		if err != nil {
			return "", err
		}
		text = got.Text
	}
	if _, err := p.FPDFText_ClosePage(&requests.FPDFText_ClosePage{TextPage: open.TextPage}); err != nil {
		return "", err
	}
	return prose(text), nil
}

// prose makes PDFium's text one as it would be written: PDFium marks the hyphens
// at the ends of lines that divide a word, and joins the word around them.
func prose(text string) string {
	return strings.ReplaceAll(tidied(text), "\ufffe", "")
}
