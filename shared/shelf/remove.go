package shelf

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"parley/shared/sweep"
)

// Remover removes segments of a bucket, which takes no disk.
type Remover struct {
	S3     *s3.Client
	Bucket string
}

// RemoveAll removes all segments of a user: one call for 1,000 of them, and one for
// each 1,000 that go. It may be repeated.
func (r Remover) RemoveAll(ctx context.Context, user string) error {
	return r.sweep(ctx, user, func(string, types.Object) bool { return true })
}

// sweep removes the segments of a user that are old, by their names.
func (r Remover) sweep(ctx context.Context, user string, old func(name string, o types.Object) bool) error {
	in := &s3.ListObjectsV2Input{Bucket: &r.Bucket, Prefix: aws.String(folderOf(user))}
	for pages := s3.NewListObjectsV2Paginator(r.S3, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return away("list segments", err)
		}
		var leave []types.ObjectIdentifier
		for _, o := range page.Contents {
			if old(aws.ToString(o.Key)[len(folderOf(user)):], o) {
				leave = append(leave, types.ObjectIdentifier{Key: o.Key})
			}
		}
		if err := sweep.Objects(ctx, r.S3, r.Bucket, leave); err != nil {
			return away("delete segments", err)
		}
	}
	return nil
}
