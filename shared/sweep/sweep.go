// Package sweep removes many objects of a bucket of S3, for the adapters that keep
// something there. Errors are S3's own: each adapter has words for them.
package sweep

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// patience is how long S3 may take to remove a thousand objects.
const patience = 30 * time.Second

// Objects removes objects, or versions of them, of which there are 1,000 at most: one
// call, none for nothing. If any of them stays behind, that is an error.
func Objects(ctx context.Context, client *s3.Client, bucket string, ids []types.ObjectIdentifier) error {
	if len(ids) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)}})
	if err == nil && len(out.Errors) > 0 {
		err = fmt.Errorf("%d stay behind, the first for %s", len(out.Errors), aws.ToString(out.Errors[0].Code))
	}
	return err
}

// Versions removes all versions of all objects with that prefix, and their delete
// markers. S3 copies no removal of a version to other regions, but it does copy delete
// markers; so objects that are copied get one first and keep it, until the life cycle
// finds it alone. What lies under it in the copies goes by their life cycle.
func Versions(ctx context.Context, client *s3.Client, bucket, prefix string, copied bool) error {
	in := &s3.ListObjectVersionsInput{Bucket: &bucket, Prefix: &prefix}
	for pages := s3.NewListObjectVersionsPaginator(client, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list versions: %w", err)
		}
		var marks, ids []types.ObjectIdentifier
		for _, v := range page.Versions {
			if copied && aws.ToBool(v.IsLatest) {
				marks = append(marks, types.ObjectIdentifier{Key: v.Key})
			}
			ids = append(ids, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		for _, m := range page.DeleteMarkers {
			if !copied {
				ids = append(ids, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
			}
		}
		for _, some := range [][]types.ObjectIdentifier{marks, ids} {
			if err := Objects(ctx, client, bucket, some); err != nil {
				return fmt.Errorf("remove versions: %w", err)
			}
		}
	}
	return nil
}
