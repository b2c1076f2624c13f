// Package object keeps the bytes of files in S3: where clients send them by signed
// URLs, where the verified ones lie, and how they are read and removed again.
//
// Every key is built in key.go. What is sent lies under a name of its owner's
// (incoming/); what was verified is named by its SHA-256 (blobs/), which is never
// given to anybody but through a file of theirs.
//
// Errors: a bucket that can't be reached, or refuses for now, is
// problem.Unavailable within a bounded time, so that nobody waits for storage that
// is away.
package object

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"parley/shared/problem"
)

// Bucket is the bucket of all files.
type Bucket struct {
	s3     *s3.Client
	signer *s3.PresignClient
	name   string
	copied bool // to other regions
}

// New opens the bucket of that name.
func New(client *s3.Client, bucket string) *Bucket {
	return &Bucket{s3: client, name: bucket, signer: s3.NewPresignClient(client, s3.WithPresignClientFromClientOptions(onlyOurChecksums))}
}

// Copied returns b as one that S3 copies to other regions, or not. What is removed goes
// from the copies, too (sweep.Versions).
func (b *Bucket) Copied(yes bool) *Bucket {
	c := *b
	c.copied = yes
	return &c
}

// onlyOurChecksums keeps the SDK from choosing a checksum where we name none: it
// would become part of a URL that others send their bytes by.
func onlyOurChecksums(o *s3.Options) {
	o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
}

// How long a user waits for S3.
const (
	patience = 5 * time.Second  // for a look or a mark
	assembly = 20 * time.Second // for parts to be put together: S3 takes a second or two for 512 MB
)

// retryAfter is when a client had better come back if S3 is away.
const retryAfter = 5 * time.Second

func unavailable(what string, err error) error {
	return problem.New(problem.Unavailable, "storage_unavailable", "Files can't be reached at the moment; please try again soon.").
		After(retryAfter).Because(fmt.Errorf("%s: %w", what, err))
}

// code returns S3's word for an error; empty if S3 didn't answer.
func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}
