package object

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/file"
)

// Content returns a signed URL of f's bytes, delivered with these headers. Nothing
// is asked of S3.
func (b *Bucket) Content(ctx context.Context, f file.File, contentType, disposition string) (string, error) {
	return b.link(ctx, blobKey(f.SHA256), &contentType, &disposition)
}

// Thumbnail returns a signed URL of f's small picture, to be shown.
func (b *Bucket) Thumbnail(ctx context.Context, f file.File) (string, error) {
	show := inline
	return b.link(ctx, derivedKey(f.SHA256, Thumbnail), nil, &show)
}

// inline is the disposition of pictures that we made.
const inline = "inline"

// private keeps caches that many share, a CDN's above all, from keeping an answer: one
// that came out of them would tell that somebody else has these bytes, and one that
// stayed in them would outlive its file. A browser has it as long as the URL works.
var private = fmt.Sprintf("private, max-age=%d", int(file.Download.Seconds()))

func (b *Bucket) link(ctx context.Context, key string, contentType, disposition *string) (string, error) {
	signed, err := b.signer.PresignGetObject(ctx, &s3.GetObjectInput{
		Bucket: &b.name, Key: &key, ResponseContentType: contentType, ResponseContentDisposition: disposition, ResponseCacheControl: &private,
	}, s3.WithPresignExpires(file.Download))
	if err != nil {
		return "", unavailable("sign a download", err)
	}
	return signed.URL, nil
}
