package store

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/klauspost/compress/zstd"
)

// Bounds of a body.
const (
	maxRowBody = 350 << 10 // compressed bytes that a row takes; DynamoDB's limit is 400 KB for the whole row
	maxBody    = 16 << 20  // bytes of text that are ever unpacked
)

// codec compresses bodies. It is safe for concurrent use.
type codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newCodec() (*codec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
		zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxBody))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return &codec{enc: enc, dec: dec}, nil
}

func (c *codec) pack(text string) []byte { return c.enc.EncodeAll([]byte(text), nil) }

func (c *codec) unpack(body []byte) (string, error) {
	text, err := c.dec.DecodeAll(body, nil)
	if err != nil {
		return "", fmt.Errorf("unpack body: %w", err)
	}
	return string(text), nil
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
