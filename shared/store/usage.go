package store

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/chat"
)

// Usage is the bucket of usage records.
type Usage struct {
	s3     *s3.Client
	bucket string
}

// NewUsage opens the bucket.
func NewUsage(objects *s3.Client, bucket string) *Usage { return &Usage{s3: objects, bucket: bucket} }

// Put keeps a file: one PUT. The same name again replaces the file by itself.
func (u *Usage) Put(ctx context.Context, name string, file []byte) error {
	_, err := u.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: &u.bucket, Key: &name, Body: bytes.NewReader(file),
		ContentType: aws.String("application/gzip")})
	return unavailable("put usage", err)
}

// List returns the names of all files that begin so: one call for 1,000.
func (u *Usage) List(ctx context.Context, prefix string) ([]string, error) {
	var names []string
	in := &s3.ListObjectsV2Input{Bucket: &u.bucket, Prefix: &prefix}
	for pages := s3.NewListObjectsV2Paginator(u.s3, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, unavailable("list usage", err)
		}
		for _, o := range page.Contents {
			names = append(names, aws.ToString(o.Key))
		}
	}
	return names, nil
}

// maxUsage bounds a file, packed, in bytes.
const maxUsage = 32 << 20

// Get returns a file: one GET.
func (u *Usage) Get(ctx context.Context, name string) ([]byte, error) {
	out, err := u.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &u.bucket, Key: &name})
	if err != nil {
		return nil, unavailable("get usage", err)
	}
	defer out.Body.Close()
	file, err := io.ReadAll(io.LimitReader(out.Body, maxUsage+1))
	if err != nil {
		return nil, unavailable("read usage", err)
	}
	if len(file) > maxUsage {
		return nil, fmt.Errorf("usage file %s has more than %d bytes", name, maxUsage)
	}
	return file, nil
}

// Ended returns how a reply stands, without its text: one consistent read.
// ErrNoMessage if it has no row, which an ended one has until it is deleted.
func (c *Chats) Ended(ctx context.Context, ref chat.Ref) (chat.Message, error) {
	it, err := c.get(ctx, messageKey(ref.User, ref.Chat, ref.Message))
	if err != nil || it == nil {
		return chat.Message{}, orMissing(err, chat.ErrNoMessage)
	}
	r, err := readRow(it)
	return r.Message, err
}
