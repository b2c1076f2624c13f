package object

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"parley/shared/file"
)

// Start opens an upload in parts. Where each part's SHA-256 is known, S3 is told to
// verify and to keep it. One call.
func (b *Bucket) Start(ctx context.Context, f file.File) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	in := &s3.CreateMultipartUploadInput{Bucket: &b.name, Key: aws.String(incomingKey(f.User, f.ID))}
	if len(f.Parts) > 0 {
		in.ChecksumAlgorithm = types.ChecksumAlgorithmSha256
	}
	out, err := b.s3.CreateMultipartUpload(ctx, in, onlyOurChecksums)
	if err != nil {
		return "", unavailable("open upload", err)
	}
	return aws.ToString(out.UploadId), nil
}

// Arrival says what is there of f. One call, or two if S3 has closed its upload.
func (b *Bucket) Arrival(ctx context.Context, f file.File) (file.Arrival, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if f.Upload == "" {
		return b.whole(ctx, f)
	}
	parts, err := b.parts(ctx, f)
	if code(err) == "NoSuchUpload" {
		a, err := b.whole(ctx, f)
		a.Closed = true
		return a, err
	}
	if err != nil {
		return file.Arrival{}, unavailable("list parts", err)
	}
	return file.Arrival{Parts: parts}, nil
}

func (b *Bucket) whole(ctx context.Context, f file.File) (file.Arrival, error) {
	out, err := b.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: aws.String(incomingKey(f.User, f.ID))})
	if c := code(err); c == "NotFound" || c == "NoSuchKey" {
		return file.Arrival{}, nil
	}
	if err != nil {
		return file.Arrival{}, unavailable("look for upload", err)
	}
	return file.Arrival{Whole: true, Version: aws.ToString(out.VersionId)}, nil
}

// parts lists what S3 has: 64 parts at most, which are one page.
func (b *Bucket) parts(ctx context.Context, f file.File) ([]file.Received, error) {
	out, err := b.s3.ListParts(ctx, &s3.ListPartsInput{Bucket: &b.name, Key: aws.String(incomingKey(f.User, f.ID)), UploadId: &f.Upload})
	if err != nil {
		return nil, err
	}
	parts := make([]file.Received, len(out.Parts))
	for i, p := range out.Parts {
		sum, err := base64.StdEncoding.DecodeString(aws.ToString(p.ChecksumSHA256))
		if err != nil {
			return nil, fmt.Errorf("part %d: %w", aws.ToInt32(p.PartNumber), err)
		}
		parts[i] = file.Received{Number: int(aws.ToInt32(p.PartNumber)), Size: aws.ToInt64(p.Size),
			ETag: aws.ToString(p.ETag), SHA256: hex.EncodeToString(sum)}
	}
	return parts, nil
}

// Assemble makes one object of these parts, unless there is one, and returns its
// version; ErrMoved if a part has changed since, or the upload is closed. Checksums
// that S3 verified of the parts go along: it asks for them. One call.
func (b *Bucket) Assemble(ctx context.Context, f file.File, parts []file.Received) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, assembly)
	defer cancel()
	done := make([]types.CompletedPart, len(parts))
	for i, p := range parts {
		done[i] = types.CompletedPart{PartNumber: aws.Int32(int32(p.Number)), ETag: &parts[i].ETag}
		if sum, err := hex.DecodeString(p.SHA256); err == nil && len(sum) > 0 {
			done[i].ChecksumSHA256 = aws.String(base64.StdEncoding.EncodeToString(sum))
		}
	}
	out, err := b.s3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &b.name, Key: aws.String(incomingKey(f.User, f.ID)), UploadId: &f.Upload, IfNoneMatch: aws.String("*"),
		MpuObjectSize: &f.Size, MultipartUpload: &types.CompletedMultipartUpload{Parts: done},
	}, onlyOurChecksums)
	switch code(err) {
	case "NoSuchUpload", "InvalidPart", "PreconditionFailed", "ConditionalRequestConflict":
		return "", file.ErrMoved.Because(err)
	}
	if err != nil {
		return "", unavailable("assemble parts", err)
	}
	return aws.ToString(out.VersionId), nil
}

// Abandon forgets an upload in parts and what has come of it; one that isn't there
// any more is fine. One call.
func (b *Bucket) Abandon(ctx context.Context, f file.File) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := b.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: &b.name, Key: aws.String(incomingKey(f.User, f.ID)), UploadId: &f.Upload})
	if err != nil && code(err) != "NoSuchUpload" {
		return unavailable("abandon upload", err)
	}
	return nil
}
