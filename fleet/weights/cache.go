package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	sums     = "SHA256SUMS"
	maxSums  = 4 << 20 // bytes of a list
	maxFiles = 10_000
	atOnce   = 8
	tries    = 5
	silence  = time.Minute // in which some byte of a file has to come
)

// file is a line of the list.
type file struct {
	sum  [sha256.Size]byte
	name string // a clean path within the model's folder
}

// cache is a folder of models.
type cache struct {
	dir   string
	get   func(ctx context.Context, name string) (io.ReadCloser, error) // a file of the model
	log   *slog.Logger
	pause time.Duration // before a second try, and longer before those after it
}

// bring returns when the model is there. Of several at once on one machine one
// brings it and the others wait; what an earlier one has left is used.
func (c cache) bring(ctx context.Context, model string) error {
	if sum, err := hex.DecodeString(model); err != nil || len(sum) != sha256.Size || strings.ToLower(model) != model {
		return fmt.Errorf("%q is no SHA-256", model)
	}
	unlock, err := lock(ctx, filepath.Join(c.dir, model+".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	there, part := filepath.Join(c.dir, model), filepath.Join(c.dir, model+".part")
	if _, err := os.Stat(there); err == nil {
		c.log.Info("the weights were there")
		return nil
	}
	files, err := c.list(ctx, model)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := c.all(ctx, part, files); err != nil {
		return err
	}
	if err := os.Rename(part, there); err != nil {
		return fmt.Errorf("put the model in its place: %w", err)
	}
	c.log.Info("the weights are there", "files", len(files), "seconds", time.Since(began).Seconds())
	return nil
}

// lock waits until nobody else has the file.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { f.Close() }, nil
		case !errors.Is(err, syscall.EWOULDBLOCK):
			f.Close()
			return nil, fmt.Errorf("lock: %w", err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// list reads which files the model has; it is the one that the model is named by, or
// none.
func (c cache) list(ctx context.Context, model string) ([]file, error) {
	var text bytes.Buffer
	err := c.again(ctx, sums, func() error {
		body, err := c.get(ctx, sums)
		if err != nil {
			return err
		}
		defer body.Close()
		text.Reset()
		_, err = io.Copy(&text, io.LimitReader(body, maxSums+1))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the model's list: %w", err)
	}
	if sum := sha256.Sum256(text.Bytes()); hex.EncodeToString(sum[:]) != model {
		return nil, fmt.Errorf("the model's list has the sum %x", sum)
	}
	return parse(text.Bytes())
}

// parse reads a list as sha256sum writes it.
func parse(text []byte) ([]file, error) {
	if len(text) > maxSums {
		return nil, errors.New("the model's list is too long")
	}
	var files []file
	known := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		sum, name, ok := strings.Cut(lines.Text(), " ")
		raw, err := hex.DecodeString(sum)
		if !ok || err != nil || len(raw) != sha256.Size || len(name) < 2 || name[0] != ' ' && name[0] != '*' {
			return nil, fmt.Errorf("line %d of the model's list is no sum with a name", len(files)+1)
		}
		name = filepath.Clean(name[1:])
		if !filepath.IsLocal(name) || name == "." || strings.ContainsAny(name, "\\\x00") || known[name] || name == sums {
			return nil, fmt.Errorf("line %d of the model's list: a file can't be called %q", len(files)+1, name)
		}
		known[name] = true
		files = append(files, file{[sha256.Size]byte(raw), name})
		if len(files) > maxFiles {
			return nil, errors.New("the model has too many files")
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("the model's list: %w", err)
	}
	if len(files) == 0 {
		return nil, errors.New("the model has no files")
	}
	return files, nil
}

// all brings the files into dir.
func (c cache) all(ctx context.Context, dir string, files []file) error {
	running, ctx := errgroup.WithContext(ctx)
	running.SetLimit(atOnce)
	for _, f := range files {
		running.Go(func() error {
			err := ctx.Err()
			if err == nil {
				err = c.again(ctx, f.name, func() error { return c.one(ctx, filepath.Join(dir, f.name), f) })
			}
			if err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			return nil
		})
	}
	return running.Wait()
}

// one brings a file, or leaves the one that is there: what has its name has its sum.
func (c cache) one(ctx context.Context, path string, f file) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	quiet := time.AfterFunc(silence, cancel)
	defer quiet.Stop()
	body, err := c.get(ctx, f.name)
	if err != nil {
		return err
	}
	defer body.Close()
	out, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	sum := sha256.New()
	for buffer := make([]byte, 1<<20); ; quiet.Reset(silence) {
		n, err := body.Read(buffer)
		sum.Write(buffer[:n])
		if _, err := out.Write(buffer[:n]); err != nil {
			return err
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if got := sum.Sum(nil); !bytes.Equal(got, f.sum[:]) {
		return fmt.Errorf("its sum is %x, not %x", got, f.sum)
	}
	if err := errors.Join(out.Sync(), out.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// again tries a few times.
func (c cache) again(ctx context.Context, name string, try func() error) error {
	for n := 1; ; n++ {
		err := try()
		if err == nil || n == tries || ctx.Err() != nil {
			return err
		}
		c.log.Warn("a file is tried again", "file", name, "error", err.Error())
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(n) * c.pause):
		}
	}
}
