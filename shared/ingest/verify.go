package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"parley/shared/file"
)

// copied is a file's bytes on this machine.
type copied struct {
	path string
	size int64  // bytes; more than stated: not all were read
	sha  string // in lower-case hex
}

func (j *job) verify(ctx context.Context) (*file.Remark, error) { return j.fetch(ctx) }

// fetch brings a file's bytes to this machine and compares them with what their
// sender stated, unless they are here.
func (j *job) fetch(ctx context.Context) (*file.Remark, error) {
	if j.copy == nil {
		c, err := j.download(ctx)
		if err != nil {
			return nil, err
		}
		j.copy = c
	}
	switch {
	case j.copy.size != j.file.Size:
		return &sizeMismatch, nil
	case j.copy.sha != j.file.SHA256:
		return &hashMismatch, nil
	}
	return nil, nil
}

func (j *job) download(ctx context.Context) (*copied, error) {
	body, err := j.open(ctx, j.file)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	to, err := os.CreateTemp(j.Room.Path, "file-*")
	if err != nil {
		return nil, away("no_room", fmt.Errorf("make a temporary file: %w", err))
	}
	c := &copied{path: to.Name()}
	c.size, c.sha, err = Take(to, body, j.file.Size)
	if err := errors.Join(err, to.Close()); err != nil {
		os.Remove(c.path) // what can't be removed goes with the folder
		return nil, away("not_fetched", err)
	}
	return c, nil
}

// forget removes what the job has on this machine.
func (j *job) forget() {
	if j.copy == nil {
		return
	}
	if err := os.Remove(j.copy.path); err != nil {
		j.Log.Warn("temporary file stays", "path", j.copy.path, "error", err.Error())
	}
}

// What is under way between reading and hashing. With a single buffer the two would
// take turns.
const (
	chunk  = 1 << 20 // bytes
	chunks = 4
)

// Take writes what src has, but little more than most bytes, to dst. It hashes beside
// that, on another core if there is one, and returns how many bytes it took and
// their SHA-256 in lower-case hex.
func Take(dst io.Writer, src io.Reader, most int64) (int64, string, error) {
	free, full := make(chan []byte, chunks), make(chan []byte, chunks)
	for range chunks {
		free <- make([]byte, min(chunk, most+1))
	}
	sum := make(chan string)
	go func() {
		h := sha256.New()
		for b := range full {
			h.Write(b)
			free <- b[:cap(b)]
		}
		sum <- hex.EncodeToString(h.Sum(nil))
	}()
	taken, err := pump(dst, src, most, free, full)
	close(full)
	return taken, <-sum, err
}

// pump reads and writes; each chunk goes to the hash before it is written, and isn't
// changed until both are done with it.
func pump(dst io.Writer, src io.Reader, most int64, free <-chan []byte, full chan<- []byte) (int64, error) {
	var taken int64
	for taken <= most {
		b := <-free
		n, err := fill(b, src)
		full <- b[:n]
		if _, err := dst.Write(b[:n]); err != nil {
			return taken, fmt.Errorf("write temporary file after %d bytes: %w", taken, err)
		}
		taken += int64(n)
		if errors.Is(err, io.EOF) {
			return taken, nil
		}
		if err != nil {
			return taken, fmt.Errorf("read what arrived after %d bytes: %w", taken, err)
		}
	}
	return taken, nil
}

// fill reads until b is full. Unlike io.ReadFull it tells the end of the source from
// a connection that broke, which reads as io.ErrUnexpectedEOF.
func fill(b []byte, src io.Reader) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = src.Read(b[n:])
		n += m
	}
	return n, err
}
