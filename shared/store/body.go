package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Bounds of a body.
const (
	maxRowBody = 350 << 10 // compressed bytes that a row takes; DynamoDB's limit is 400 KB for the whole row
	maxBody    = 16 << 20  // bytes of text that are ever unpacked
)

// effort is how hard a text is compressed. Brotli knows common words of many
// languages beforehand, which counts in texts of a few KB: 8 KB of documentation
// take 4 % less than with zstd's best in the same time, and 14 % less at full
// effort, which takes ten times as long.
type effort int

const (
	quick effort = 5  // while a user waits for an answer to a call
	tight effort = 11 // after an answer has been streamed
)

// tightMost is the largest text that is compressed with full effort: 16 KB take
// some 30 ms of a core.
const tightMost = 64 << 10

// Brotli's working memory, a megabyte for each text that is packed, waits here for
// the next text: to make it anew takes as long as the packing.
var (
	packers   = sync.Pool{New: func() any { return brotli.NewWriterLevel(nil, int(quick)) }}
	unpackers = sync.Pool{New: func() any { return brotli.NewReader(nil) }}
)

func pack(content string, e effort) ([]byte, error) {
	var packed bytes.Buffer
	var w *brotli.Writer
	if e == tight && len(content) <= tightMost {
		w = brotli.NewWriterLevel(&packed, int(tight))
	} else {
		w = packers.Get().(*brotli.Writer)
		defer packers.Put(w)
		w.Reset(&packed)
	}
	if _, err := io.WriteString(w, content); err != nil {
		return nil, fmt.Errorf("pack body: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack body: %w", err)
	}
	return packed.Bytes(), nil
}

func unpack(body []byte) (string, error) {
	r := unpackers.Get().(*brotli.Reader)
	defer unpackers.Put(r)
	var text bytes.Buffer
	text.Grow(4*len(body) + bytes.MinRead) // most texts, without growing again
	err := r.Reset(bytes.NewReader(body))
	if err == nil {
		_, err = text.ReadFrom(io.LimitReader(r, maxBody+1))
	}
	if err == nil && text.Len() > maxBody {
		err = errors.New("too large")
	}
	if err != nil {
		return "", fmt.Errorf("unpack body: %w", err)
	}
	return text.String(), nil
}

// spill puts a packed body that its row can't take into S3.
func (c *Chats) spill(ctx context.Context, key string, body []byte) error {
	_, err := c.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: &c.bucket, Key: &key, Body: bytes.NewReader(body)})
	return unavailable("put body", err)
}

// fetch gets a spilled body back.
func (c *Chats) fetch(ctx context.Context, key string) ([]byte, error) {
	out, err := c.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &c.bucket, Key: aws.String(key)})
	if err != nil {
		return nil, unavailable("get body", err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(io.LimitReader(out.Body, maxBody))
	return body, unavailable("read body", err)
}
