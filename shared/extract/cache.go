package extract

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"parley/shared/extract/child"
)

// Compiling PDFium takes seconds, starting what was compiled before takes less than
// a tenth. So a child that reads nobody's file compiles it once, into a folder that
// only this user can write; children that read files can't write any.

// prepareMemory is what the compiler needs, in bytes.
const prepareMemory = 1 << 30

// prepared returns the folder of the compiled PDFium, if in needs one, and has it
// filled before.
func (r Runner) prepared(ctx context.Context, in *os.File) (string, error) {
	if !mayBePDF(in) {
		return "", nil
	}
	folder := r.Cache
	if folder == "" {
		folder = filepath.Join(os.TempDir(), fmt.Sprintf("parley-pdfium-%d", os.Getuid()))
	}
	if err := own(folder); err != nil {
		return "", fmt.Errorf("make a folder for PDFium: %w", err)
	}
	done, err := r.mark(folder)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(done); err == nil {
		return folder, nil
	}
	job := child.Job{Prepare: true, Cache: folder, Memory: max(r.Memory, prepareMemory), CPU: seconds(max(r.CPU, DefaultCPU))}
	e, err := r.start(ctx, nil, job)
	if err != nil {
		return "", err
	}
	if e.exit != 0 {
		return "", fmt.Errorf("compile PDFium: exit %d: %s", e.exit, e.words)
	}
	return folder, os.WriteFile(done, nil, 0o600)
}

// mayBePDF says whether in has the mark of a PDF where readers look for it.
func mayBePDF(in io.ReaderAt) bool {
	head := make([]byte, 1024)
	n, _ := in.ReadAt(head, 0) // a file that can't be read is the child's finding
	return bytes.Contains(head[:n], []byte("%PDF-"))
}

// mark is the file that says that a folder has the PDFium of this program. Another
// one may have another; wazero tells what they compile apart.
func (r Runner) mark(folder string) (string, error) {
	info, err := os.Stat(r.Program)
	if err != nil {
		return "", fmt.Errorf("look at the program that reads files: %w", err)
	}
	is := fmt.Appendf(nil, "%s %d %d", r.Program, info.Size(), info.ModTime().UnixNano())
	return filepath.Join(folder, fmt.Sprintf("ready-%x", sha256.Sum256(is))), nil
}

// notStarted says why a child couldn't begin. Perhaps somebody has cleaned the folder
// of PDFium, so the next one is to be prepared anew.
func (r Runner) notStarted(folder string, e end) error {
	if folder != "" {
		if done, err := r.mark(folder); err == nil {
			os.Remove(done) // if it can't be, the next child fails as this one
		}
	}
	return fmt.Errorf("start to read a file: %s", e.words)
}

// own makes folder, for this user alone. What is there already and is somebody
// else's could hold anybody's code.
func own(folder string) error {
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(folder)
	if err != nil {
		return err
	}
	if !info.IsDir() || info.Mode().Perm() != 0o700 || !mine(info) {
		return fmt.Errorf("%s isn't this user's alone", folder)
	}
	return nil
}
