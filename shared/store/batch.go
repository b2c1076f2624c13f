package store

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

var errThrottled = errors.New("some rows were not read")

// batch reads the rows of up to 100 different keys, in any order; those that
// aren't there are left out. Each costs what a single read does.
func batch(ctx context.Context, db *dynamodb.Client, table string, keys []item, consistent bool) ([]item, error) {
	var rows []item
	for try := 0; len(keys) > 0; try++ {
		if try == 3 {
			return nil, unavailable("read rows", errThrottled)
		}
		out, err := db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{table: {Keys: keys, ConsistentRead: aws.Bool(consistent)}}})
		if err != nil {
			return nil, unavailable("read rows", err)
		}
		rows = append(rows, out.Responses[table]...)
		keys = out.UnprocessedKeys[table].Keys
	}
	return rows, nil
}
