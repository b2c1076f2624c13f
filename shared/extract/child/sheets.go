package child

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/xuri/excelize/v2"
)

// maxWorkbook is the largest workbook that is read, packed: all of it is in memory.
const maxWorkbook = 64 << 20

// readSheets reads a workbook of Excel: a page for each sheet, a line for each row
// with tabs between its cells, as they are shown.
func readSheets(_ context.Context, src source) (Answer, error) {
	if src.size > maxWorkbook {
		return Answer{}, errTooComplex
	}
	if err := fitting(src); err != nil {
		return Answer{}, err
	}
	// With both limits alike, nothing is unpacked into files.
	f, err := excelize.OpenReader(src.reader(), excelize.Options{UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: maxUnpacked})
	if err != nil {
		return Answer{}, fmt.Errorf("open the workbook: %w", err)
	}
	defer f.Close()
	var b book
	names := f.GetSheetList()
	for i, name := range names {
		text, err := sheet(f, name, b.room())
		if err != nil {
			return Answer{}, err
		}
		if !b.add(i+1, text) {
			break
		}
	}
	return b.answer(len(names)), nil
}

// fitting unpacks every file of a workbook once, into nothing, for their limits:
// excelize believes what their headers say.
func fitting(src source) error {
	p, err := openPack(src)
	if err != nil {
		return err
	}
	for name := range p.files {
		if err := p.measure(name); err != nil {
			return err
		}
	}
	return nil
}

// sheet returns the text of a sheet, up to most bytes and a little more.
func sheet(f *excelize.File, name string, most int) (string, error) {
	rows, err := f.Rows(name)
	var none excelize.ErrSheetNotExist
	if errors.As(err, &none) { // a chart has a sheet of its own, without cells
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("open a sheet: %w", err)
	}
	defer rows.Close()
	var text strings.Builder
	for rows.Next() && text.Len() <= most {
		cells, err := rows.Columns()
		if err != nil {
			return "", fmt.Errorf("read a row: %w", err)
		}
		if row := line(cells); row != "" {
			text.WriteString(row + "\n")
		}
	}
	if text.Len() == 0 {
		return "", rows.Error()
	}
	return tidied("## " + name + "\n\n" + text.String()), rows.Error()
}

// oneLine keeps a cell of several lines in one.
var oneLine = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ")

// line returns cells as a line with tabs between them, without the empty ones at
// its end.
func line(cells []string) string {
	for i, c := range cells {
		cells[i] = oneLine.Replace(c)
	}
	return strings.TrimRight(strings.Join(cells, "\t"), "\t ")
}
