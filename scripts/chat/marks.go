package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"parley/scripts/internal/client"
	"parley/shared/file"
)

// marks keeps by what uploads that were broken off go on, each in a file of its
// own that is named by the path of what is sent, so that two terminals don't get
// in each other's way.
type marks struct{ folder string }

// openMarks makes the folder beside the session's file.
func openMarks(v *vault) (marks, error) {
	m := marks{folder: v.file + ".uploads"}
	if err := os.MkdirAll(m.folder, 0o700); err != nil {
		return m, fmt.Errorf("the folder for uploads: %w", err)
	}
	return m, nil
}

func (m marks) file(path string) string {
	sum := sha256.Sum256([]byte(path))
	return filepath.Join(m.folder, hex.EncodeToString(sum[:16]))
}

// find returns what was kept for a path; the zero Mark if nothing was, or nothing
// that can be read.
func (m marks) find(path string) client.Mark {
	var mark client.Mark
	text, err := os.ReadFile(m.file(path))
	if err != nil || json.Unmarshal(text, &mark) != nil {
		return client.Mark{}
	}
	return mark
}

// keep replaces the file at once, so that a crash leaves a mark that can be read.
// Marks that have lost their worth go.
func (m marks) keep(path string, mark client.Mark) error {
	text, err := json.Marshal(mark)
	if err != nil {
		return fmt.Errorf("how far the upload is: %w", err)
	}
	m.sweep(time.Now())
	temporary := m.file(path) + ".new"
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		return fmt.Errorf("how far the upload is: %w", err)
	}
	if err := os.Rename(temporary, m.file(path)); err != nil {
		return fmt.Errorf("how far the upload is: %w", err)
	}
	return nil
}

// drop forgets a path.
func (m marks) drop(path string) error {
	if err := os.Remove(m.file(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("how far the upload was: %w", err)
	}
	return nil
}

// sweep removes the marks of uploads that the server has forgotten. One that stays
// behind does no harm.
func (m marks) sweep(now time.Time) {
	entries, _ := os.ReadDir(m.folder)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && now.Sub(info.ModTime()) > 2*file.UploadLife {
			_ = os.Remove(filepath.Join(m.folder, e.Name()))
		}
	}
}
