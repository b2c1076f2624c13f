package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/file"
	"parley/shared/ingest"
	"parley/shared/object"
)

// aimVerify is the speed of verification, as a part of sha256sum's.
const aimVerify = 0.8

// verification measures how fast files are verified, and in how much memory files of
// all sizes are processed.
func verification(ctx context.Context, b *bench) (section, error) {
	speeds, err := b.speeds(ctx)
	if err != nil {
		return section{}, fmt.Errorf("speed: %w", err)
	}
	heaps, err := b.heaps(ctx)
	if err != nil {
		return section{}, fmt.Errorf("memory: %w", err)
	}
	return section{Title: "Verification", Text: verifyText, Tables: []table{speeds, heaps}}, nil
}

// way is a way to take a file's hash.
type way struct {
	name string
	run  func(context.Context) (sha string, err error)
}

// speeds has the ways take turns at one file, so that what else runs here slows all of
// them.
func (b *bench) speeds(ctx context.Context) (table, error) {
	size, rounds := int64(256<<20), 9
	if b.quick {
		size, rounds = 32<<20, 3
	}
	dir, err := os.MkdirTemp("", "parley-verify-")
	if err != nil {
		return table{}, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "file")
	sha, err := noise(path, size)
	if err != nil {
		return table{}, err
	}
	ways, stop := verifyWays(dir, path, size)
	defer stop()
	took := make([][]time.Duration, len(ways))
	for range rounds {
		for i, w := range ways {
			began := time.Now()
			got, err := w.run(ctx)
			if err != nil || got != sha {
				return table{}, fmt.Errorf("%s: hash %s, %w", w.name, got, err)
			}
			took[i] = append(took[i], time.Since(began))
		}
	}
	return speedTable(ways, took, size), nil
}

// noise writes a file of random bytes and returns their hash.
func noise(path string, size int64) (string, error) {
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, h), io.LimitReader(rand.Reader, size))
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, f.Close())
}

// verifyWays are sha256sum first, then ours: from the disk, and as from S3.
func verifyWays(dir, path string, size int64) (ways []way, stop func()) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path) }))
	bucket := object.New(s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &server.URL, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}), "files")
	f := file.File{ID: "file", User: "user", Version: "1", Size: size}
	ways = []way{{"sha256sum", tool("sha256sum", path)}}
	if _, err := exec.LookPath("openssl"); err == nil {
		ways = append(ways, way{"openssl dgst", tool("openssl", "dgst", "-sha256", "-r", path)})
	}
	return append(ways, []way{
		{"from a file to a file", func(context.Context) (string, error) {
			from, err := os.Open(path)
			if err != nil {
				return "", err
			}
			return take(dir, from, size)
		}},
		{"over HTTP and the SDK to a file", func(ctx context.Context) (string, error) {
			from, err := bucket.Open(ctx, f)
			if err != nil {
				return "", err
			}
			return take(dir, from, size)
		}},
	}...), server.Close
}

// tool has a program print the hash.
func tool(name string, args ...string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		out, err := exec.CommandContext(ctx, name, args...).Output()
		return string(out[:min(64, len(out))]), err
	}
}

// take verifies as process-upload does.
func take(dir string, from io.ReadCloser, size int64) (string, error) {
	defer from.Close()
	to, err := os.CreateTemp(dir, "taken-")
	if err != nil {
		return "", err
	}
	defer os.Remove(to.Name())
	_, sha, err := ingest.Take(to, from, size)
	return sha, errors.Join(err, to.Close())
}

func speedTable(ways []way, took [][]time.Duration, size int64) table {
	t := table{Head: []string{"way", "MB/s", "of sha256sum's speed", "of the aim"}}
	for i, w := range ways {
		var ratios []float64
		for n := range took[i] {
			ratios = append(ratios, took[0][n].Seconds()/took[i][n].Seconds())
		}
		slices.Sort(ratios)
		ratio := ratios[len(ratios)/2]
		t.add(w.name, "%.0f", megabytes(size)/percentile(took[i], 50).Seconds(), "%.2f", ratio, "%.2f", ratio/aimVerify)
	}
	return t
}

const verifyText = `Speed: 256 MB of random bytes, which the machine has in memory, are hashed by ` + "`sha256sum`" + ` and by ours, which writes them to a temporary file as well, in
turns; medians of nine rounds, the ratio of each round for itself. Ours has a core for reading and writing and one for hashing, where there are two. Not every ` + "`sha256sum`" + ` uses
the processor's instructions for SHA-256; OpenSSL does, and so does Go.

Memory: process-upload, as it is compiled for Lambda, processes one file of each size. The heap is the largest at the end of a garbage collection, as the Go
runtime reports it (` + "`gctrace`" + `); the resident memory is the kernel's peak of the process, with its program and all. What reads the file is a process of its own and not in it.

Aims: 0.8 of sha256sum's speed; a heap of less than 128 MB for 512 MB, and no larger than that for 8 MB.
`
