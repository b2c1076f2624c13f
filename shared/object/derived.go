package object

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/file"
)

// maxDerived is the largest thing that is made of a blob, in bytes.
const maxDerived = 32 << 20

// carry is how long it may take to bring or get what was made of a blob.
const carry = 20 * time.Second

// PutDerived keeps what was made of a blob: Thumbnail or Picture, or by PutText. What
// is there stays: it was made of the same bytes in the same way. One call.
func (b *Bucket) PutDerived(ctx context.Context, sha, what, contentType string, body []byte) error {
	if len(body) > maxDerived {
		return fmt.Errorf("%s of blob %s has %d bytes", what, sha, len(body))
	}
	ctx, cancel := context.WithTimeout(ctx, carry)
	defer cancel()
	key := derivedKey(sha, what)
	_, err := b.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.name, Key: &key, Body: bytes.NewReader(body), ContentType: &contentType, IfNoneMatch: aws.String("*")})
	if err != nil && !isThere(err) {
		return unavailable("keep "+what, err)
	}
	return nil
}

// PutText keeps the text of a blob that was read as that type, as package passage
// encodes it.
func (b *Bucket) PutText(ctx context.Context, sha, contentType string, body []byte) error {
	return b.PutDerived(ctx, sha, textOf(contentType), binary, body)
}

// PutPictures keeps the two pictures that are made of an image: a thumbnail, which is
// a JPEG, and one of that type.
func (b *Bucket) PutPictures(ctx context.Context, sha, contentType string, thumbnail, picture []byte) error {
	if err := b.PutDerived(ctx, sha, Thumbnail, "image/jpeg", thumbnail); err != nil {
		return err
	}
	return b.PutDerived(ctx, sha, Picture, contentType, picture)
}

// Made reports whether all is there that was made of a ready file: at most two calls.
func (b *Bucket) Made(ctx context.Context, f file.File) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, key := range Made(f) {
		_, err := b.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: &key})
		if c := code(err); c == "NotFound" || c == "NoSuchKey" {
			return false, nil
		}
		if err != nil {
			return false, unavailable("look for what was made", err)
		}
	}
	return true, nil
}

// Text returns the text of a blob that was read as that type, as it was kept, or
// file.ErrNoFile. One call.
func (b *Bucket) Text(ctx context.Context, sha, contentType string) ([]byte, error) {
	body, _, err := b.derived(ctx, sha, textOf(contentType))
	return body, err
}

// Picture returns the picture of a blob for models and its content type, or
// file.ErrNoFile. One call.
func (b *Bucket) Picture(ctx context.Context, sha string) (body []byte, contentType string, err error) {
	return b.derived(ctx, sha, Picture)
}

func (b *Bucket) derived(ctx context.Context, sha, what string) ([]byte, string, error) {
	ctx, cancel := context.WithTimeout(ctx, carry)
	defer cancel()
	key := derivedKey(sha, what)
	out, err := b.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	if c := code(err); c == "NoSuchKey" || c == "NotFound" {
		return nil, "", file.ErrNoFile.Because(fmt.Errorf("no %s of blob %s", what, sha))
	}
	if err != nil {
		return nil, "", unavailable("get "+what, err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(io.LimitReader(out.Body, maxDerived+1))
	if err != nil {
		return nil, "", unavailable("read "+what, err)
	}
	if len(body) > maxDerived {
		return nil, "", fmt.Errorf("%s of blob %s is too large", what, sha)
	}
	return body, aws.ToString(out.ContentType), nil
}
