package object

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"parley/shared/file"
	"parley/shared/problem"
)

// binary is the content type of a blob: what it is stands in the rows of its files.
const binary = "application/octet-stream"

// Copy brings what was sent as f to its blob, within S3, and returns when the blob
// is there with f's size and, where S3 has it, f's SHA-256. A blob that is there is
// left as it is; but then the same bytes are copied to a passing object, which is
// removed, so that the time that it takes doesn't tell whether somebody else has
// them. The caller has counted f at the blob. Three calls.
func (b *Bucket) Copy(ctx context.Context, f file.File) error {
	there, err := b.blobIs(ctx, f)
	if err != nil {
		return err
	}
	if there {
		return b.copyInVain(ctx, f)
	}
	if _, err := b.copyTo(ctx, f, blobKey(f.SHA256)); err != nil {
		return err
	}
	there, err = b.blobIs(ctx, f)
	if err == nil && !there {
		err = unavailable("copy what was sent", fmt.Errorf("blob %s is not there after it", f.SHA256))
	}
	return err
}

// copyInVain also removes what a try before may have left.
func (b *Bucket) copyInVain(ctx context.Context, f file.File) error {
	key := passingKey(f.User, f.ID)
	version, err := b.copyTo(ctx, f, key)
	if err != nil {
		return err
	}
	if f.Tries > 1 || version == "" {
		return b.removeVersions(ctx, key, false)
	}
	return b.dropVersion(ctx, key, version)
}

// copyTo copies without what the sender has said of the bytes, and returns the new
// version; none if there is an object already.
func (b *Bucket) copyTo(ctx context.Context, f file.File, key string) (version string, err error) {
	source := url.PathEscape(b.name) + "/" + incomingKey(f.User, f.ID) + "?versionId=" + url.QueryEscape(f.Version)
	out, err := b.s3.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: &b.name, Key: &key, CopySource: &source, IfNoneMatch: aws.String("*"), ContentType: aws.String(binary),
		MetadataDirective: types.MetadataDirectiveReplace, TaggingDirective: types.TaggingDirectiveReplace,
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
	})
	if isThere(err) {
		return "", nil
	}
	if err != nil {
		return "", versionErr("copy what was sent", err)
	}
	return aws.ToString(out.VersionId), nil
}

// isThere reports whether a write was refused because there is such an object.
func isThere(err error) bool { return code(err) == "PreconditionFailed" }

// blobIs reports whether f's blob is there; it is an error if the blob isn't what f
// is.
func (b *Bucket) blobIs(ctx context.Context, f file.File) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	key := blobKey(f.SHA256)
	out, err := b.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	if c := code(err); c == "NotFound" || c == "NoSuchKey" {
		return false, nil
	}
	if err != nil {
		return false, unavailable("look for blob", err)
	}
	if size := aws.ToInt64(out.ContentLength); size != f.Size {
		return false, fmt.Errorf("blob %s has %d bytes instead of %d", f.SHA256, size, f.Size)
	}
	return true, sameSum(out.ChecksumSHA256, f.SHA256)
}

// OpenBlob reads f's blob, or returns file.ErrNoFile. The reader's own errors are the
// connection's.
func (b *Bucket) OpenBlob(ctx context.Context, f file.File) (io.ReadCloser, error) {
	key := blobKey(f.SHA256)
	out, err := b.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key}, uncheckedByTheSDK)
	if c := code(err); c == "NoSuchKey" || c == "NotFound" {
		return nil, file.ErrNoFile.Because(fmt.Errorf("no blob %s", f.SHA256))
	}
	if err != nil {
		return nil, unavailable("open blob", err)
	}
	return out.Body, nil
}

// sameSum compares the SHA-256 that S3 has with ours. There may be none, or one over
// those of parts, which ends in their number.
func sameSum(have *string, want string) error {
	sum := aws.ToString(have)
	if sum == "" || strings.Contains(sum, "-") {
		return nil
	}
	raw, err := base64.StdEncoding.DecodeString(sum)
	if err != nil || hex.EncodeToString(raw) != want {
		return fmt.Errorf("S3 has SHA-256 %q for blob %s", sum, want)
	}
	return nil
}

// RemoveBlob removes a blob and all that was made of it, old versions included. The
// caller has marked it, so that nobody counts on it any more.
func (b *Bucket) RemoveBlob(ctx context.Context, sha string) error {
	if raw, err := hex.DecodeString(sha); err != nil || len(raw) != 32 {
		return problem.New(problem.Invalid, "bad_hash", "This is not a SHA-256.").Because(fmt.Errorf("remove blob %.80q", sha))
	}
	return errors.Join(b.removeVersions(ctx, blobKey(sha), b.copied), b.removeVersions(ctx, derivedOf(sha), b.copied))
}
