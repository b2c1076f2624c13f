package object

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/file"
	"parley/shared/id"
	"parley/shared/problem"
	"parley/shared/sweep"
)

// scanTag is where GuardDuty writes its verdict.
const scanTag = "GuardDutyMalwareScanStatus"

// errMissing is a version of what was sent that the bucket doesn't have, although
// nobody should have removed it yet.
var errMissing = problem.New(problem.Internal, "bytes_missing", "What was sent is not there.")

// Owner tells whose file an object of that key is; false for a key that is no
// upload's.
func (b *Bucket) Owner(key string) (user, upload string, ours bool) {
	rest, ours := strings.CutPrefix(key, incoming)
	user, upload, _ = strings.Cut(rest, "/")
	return user, upload, ours && id.Valid(user) && id.Valid(upload)
}

// Open reads what was sent as f, in the version that f was begun with. The reader's
// own errors are the connection's. Besides Unavailable, an error is Internal: the
// version is missing.
func (b *Bucket) Open(ctx context.Context, f file.File) (io.ReadCloser, error) {
	key := incomingKey(f.User, f.ID)
	out, err := b.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key, VersionId: &f.Version}, uncheckedByTheSDK)
	if err != nil {
		return nil, versionErr("open what was sent", err)
	}
	return out.Body, nil
}

// uncheckedByTheSDK is for bytes whose SHA-256 is compared by who reads them.
func uncheckedByTheSDK(o *s3.Options) {
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
}

// versionErr tells a missing version from a bucket that is away.
func versionErr(what string, err error) error {
	switch code(err) {
	case "NoSuchKey", "NoSuchVersion", "NotFound", "MethodNotAllowed": // the last: a delete marker
		return errMissing.Because(fmt.Errorf("%s: %w", what, err))
	}
	return unavailable(what, err)
}

// Verdict returns what GuardDuty has written on that version of what was sent; empty
// while it hasn't.
func (b *Bucket) Verdict(ctx context.Context, f file.File) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	key := incomingKey(f.User, f.ID)
	out, err := b.s3.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &b.name, Key: &key, VersionId: &f.Version})
	if err != nil {
		return "", versionErr("read the scanner's verdict", err)
	}
	for _, tag := range out.TagSet {
		if aws.ToString(tag.Key) == scanTag {
			return aws.ToString(tag.Value), nil
		}
	}
	return "", nil
}

// Drop removes one version of an object under incoming/; one that isn't there is
// removed. The call is free of charge.
func (b *Bucket) Drop(ctx context.Context, key, version string) error {
	if !strings.HasPrefix(key, incoming) || version == "" {
		return fmt.Errorf("drop version %q of %q: not an upload", version, key)
	}
	return b.dropVersion(ctx, key, version)
}

func (b *Bucket) dropVersion(ctx context.Context, key, version string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := b.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: &key, VersionId: &version})
	if err != nil && code(err) != "NoSuchVersion" && code(err) != "NoSuchKey" {
		return unavailable("remove version", err)
	}
	return nil
}

// Discard removes everything that was sent as f: all versions, and uploads that are
// under way.
func (b *Bucket) Discard(ctx context.Context, f file.File) error {
	return b.clear(ctx, incomingKey(f.User, f.ID))
}

// RemoveUser removes everything that a user has sent and that isn't a blob yet, or is
// a copy in vain.
func (b *Bucket) RemoveUser(ctx context.Context, user string) error {
	if !id.Valid(user) {
		return fmt.Errorf("remove the uploads of user %.40q: not an id", user)
	}
	if err := b.clear(ctx, incomingOf(user)); err != nil {
		return err
	}
	return b.removeVersions(ctx, passingKey(user, ""), false)
}

// clear removes uploads under way first, so that none of them is completed behind
// its back.
func (b *Bucket) clear(ctx context.Context, prefix string) error {
	if err := b.abortUploads(ctx, prefix); err != nil {
		return err
	}
	return b.removeVersions(ctx, prefix, false)
}

func (b *Bucket) abortUploads(ctx context.Context, prefix string) error {
	in := &s3.ListMultipartUploadsInput{Bucket: &b.name, Prefix: &prefix}
	for pages := s3.NewListMultipartUploadsPaginator(b.s3, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable("list uploads", err)
		}
		for _, u := range page.Uploads {
			_, err := b.s3.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &b.name, Key: u.Key, UploadId: u.UploadId})
			if err != nil && code(err) != "NoSuchUpload" {
				return unavailable("abort upload", err)
			}
		}
	}
	return nil
}

// removeVersions removes all versions of all objects with that prefix, and their
// delete markers. Objects that are copied keep one.
func (b *Bucket) removeVersions(ctx context.Context, prefix string, copied bool) error {
	if err := sweep.Versions(ctx, b.s3, b.name, prefix, copied); err != nil {
		return unavailable("remove versions", err)
	}
	return nil
}
