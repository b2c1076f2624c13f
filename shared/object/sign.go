package object

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/file"
)

// Sign returns where these parts of f go to. A URL is bound, by the headers that its
// signature covers, to the part's size and, where it is known, to its SHA-256; that
// of an only part works once. Nothing is asked of S3.
func (b *Bucket) Sign(ctx context.Context, f file.File, numbers []int, life time.Duration) ([]file.Part, error) {
	parts := make([]file.Part, len(numbers))
	for i, n := range numbers {
		size, sum := f.Want(n)
		signed, err := b.sign(ctx, f, n, size, sum, life)
		if err != nil {
			return nil, unavailable("sign a part's URL", err)
		}
		parts[i] = file.Part{Number: n, Size: size, URL: signed.URL, Headers: toSend(signed.SignedHeader)}
	}
	return parts, nil
}

func (b *Bucket) sign(ctx context.Context, f file.File, n int, size int64, sum string, life time.Duration) (*v4.PresignedHTTPRequest, error) {
	var checksum *string
	if sum != "" {
		raw, err := hex.DecodeString(sum)
		if err != nil {
			return nil, fmt.Errorf("part %d: %w", n, err)
		}
		checksum = aws.String(base64.StdEncoding.EncodeToString(raw))
	}
	key := incomingKey(f.User, f.ID)
	if f.Upload == "" {
		return b.signer.PresignPutObject(ctx, &s3.PutObjectInput{
			Bucket: &b.name, Key: &key, ContentLength: &size, ChecksumSHA256: checksum, IfNoneMatch: aws.String("*"),
		}, s3.WithPresignExpires(life))
	}
	return b.signer.PresignUploadPart(ctx, &s3.UploadPartInput{
		Bucket: &b.name, Key: &key, UploadId: &f.Upload, PartNumber: aws.Int32(int32(n)), ContentLength: &size, ChecksumSHA256: checksum,
	}, s3.WithPresignExpires(life))
}

// toSend picks what a client has to say itself: host and length are said by whatever
// sends its bytes.
func toSend(signed http.Header) map[string]string {
	headers := map[string]string{}
	for name := range signed {
		if name != "Host" && name != "Content-Length" {
			headers[http.CanonicalHeaderKey(name)] = signed.Get(name)
		}
	}
	return headers
}
