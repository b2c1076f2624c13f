package store

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Forget removes what a user has in this table besides files: attachments, totals
// and what finds files by their bytes. Two consistent queries, and a write for each
// row.
func (s *Files) Forget(ctx context.Context, user string) error {
	for bound, at := range map[string]string{"<": filePrefix, ">": filePrefix + "~"} {
		var keys []item
		err := s.each(ctx, &dynamodb.QueryInput{
			TableName: &s.table, KeyConditionExpression: aws.String("PK = :p AND SK " + bound + " :s"),
			ExpressionAttributeValues: item{":p": str(owner(user)), ":s": str(at)}, ProjectionExpression: aws.String("PK, SK"),
		}, func(it item) error {
			keys = append(keys, it)
			return nil
		})
		if err != nil {
			return err
		}
		if err := deleteRows(ctx, s.db, s.table, keys); err != nil {
			return err
		}
	}
	return nil
}

// deleteRows deletes rows by their keys, 25 in a call.
func deleteRows(ctx context.Context, db *dynamodb.Client, table string, keys []item) error {
	for len(keys) > 0 {
		n := min(len(keys), 25) // DynamoDB's limit
		requests := make([]types.WriteRequest, n)
		for i, k := range keys[:n] {
			requests[i] = types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: k}}
		}
		if err := write(ctx, db, map[string][]types.WriteRequest{table: requests}); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}
