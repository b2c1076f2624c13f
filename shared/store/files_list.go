package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"parley/shared/file"
)

// Some returns those of up to 100 files that are there, in the order of their ids:
// one eventually consistent call, half a read unit for each.
func (s *Files) Some(ctx context.Context, user string, ids []string) ([]file.File, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	keys := make([]item, len(ids))
	for i, fileID := range ids {
		keys[i] = fileKey(user, fileID)
	}
	rows, err := batch(ctx, s.db, s.table, keys, false)
	if err != nil {
		return nil, err
	}
	var found []file.File
	for _, it := range rows {
		h, err := readHeld(it)
		if err != nil {
			return nil, err
		}
		if h.Status != file.Deleted {
			found = append(found, h.File)
		}
	}
	slices.SortFunc(found, func(a, b file.File) int { return strings.Compare(a.ID, b.ID) })
	return found, nil
}

// List returns up to limit of a user's files that come after that id (empty: all),
// newest first, and the id to go on after, empty at the end. Deleted files and
// uploads that have expired are left out. Eventually consistent queries over rows of
// about 300 bytes, mostly one.
func (s *Files) List(ctx context.Context, user string, limit int, after string) ([]file.File, string, error) {
	in := s.query(user, filePrefix)
	in.ScanIndexForward, in.Limit = aws.Bool(false), aws.Int32(int32(limit)+1)
	if after != "" {
		in.ExclusiveStartKey = fileKey(user, after)
	}
	now, found := s.Now(), []file.File{}
	for pages := dynamodb.NewQueryPaginator(s.db, in); pages.HasMorePages() && len(found) <= limit; {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, "", unavailable("list files", err)
		}
		for _, it := range page.Items {
			h, err := readHeld(it)
			if err != nil {
				return nil, "", err
			}
			if h.Status != file.Deleted && !expired(h.File, now) {
				found = append(found, h.File)
			}
		}
	}
	if len(found) <= limit {
		return found, "", nil
	}
	return found[:limit], found[limit-1].ID, nil
}

func expired(f file.File, now time.Time) bool {
	return f.Status == file.Uploading && f.ExpiresAt.Before(now)
}

func (s *Files) query(user, prefix string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName: &s.table, KeyConditionExpression: aws.String("PK = :p AND begins_with(SK, :s)"),
		ExpressionAttributeValues: item{":p": str(owner(user)), ":s": str(prefix)},
	}
}

// Each calls fn with every file of a user, deleted ones and expired uploads
// included: one consistent query for 1 MB of rows.
func (s *Files) Each(ctx context.Context, user string, fn func(file.File) error) error {
	return s.each(ctx, s.query(user, filePrefix), func(it item) error {
		h, err := readHeld(it)
		if err != nil {
			return err
		}
		return fn(h.File)
	})
}

// each calls fn for the rows of a query, consistently.
func (s *Files) each(ctx context.Context, in *dynamodb.QueryInput, fn func(item) error) error {
	in.ConsistentRead = aws.Bool(true)
	for pages := dynamodb.NewQueryPaginator(s.db, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable("query files", err)
		}
		for _, it := range page.Items {
			if err := fn(it); err != nil {
				return err
			}
		}
	}
	return nil
}
