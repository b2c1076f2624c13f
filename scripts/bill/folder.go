package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"parley/shared/bill"
)

// folder is finance's bucket as a folder of this machine. It implements bill.Bucket.
type folder string

func (f folder) path(name string) string { return filepath.Join(string(f), filepath.FromSlash(name)) }

// List implements bill.Bucket. A file's tag is its time.
func (f folder) List(_ context.Context, prefix string) ([]bill.Object, error) {
	var all []bill.Object
	root := f.path(prefix[:strings.LastIndexByte(prefix, '/')+1])
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(string(f), path)
		if name := filepath.ToSlash(rel); strings.HasPrefix(name, prefix) {
			all = append(all, bill.Object{Name: name, Size: info.Size(), Tag: fmt.Sprint(info.ModTime().UnixNano())})
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	slices.SortFunc(all, func(a, b bill.Object) int { return strings.Compare(a.Name, b.Name) })
	return all, err
}

// Open implements bill.Bucket.
func (f folder) Open(_ context.Context, name string) (io.ReadCloser, error) {
	return os.Open(f.path(name))
}

// Put implements bill.Bucket. What is there has all of its bytes or is as it was.
func (f folder) Put(_ context.Context, name, _ string, body []byte) error {
	path := f.path(name)
	if old, err := os.ReadFile(path); err == nil && slices.Equal(old, body) {
		return nil // its time, which is its tag, stays
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(path), ".part-*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name()) // gone once it has its name
	_, err = part.Write(body)
	if closing := part.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Chmod(part.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(part.Name(), path)
	}
	return err
}
