package store

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/file"
)

// unmarked lets only those through who find a blob that nobody is removing: not
// marked, or by somebody who must have given up.
const unmarked = "(attribute_not_exists(dy) OR dy < :over)"

// change makes a blob's row another than it was. Rows of blobs come and go, so a new
// one counts its changes from the clock on: it is never taken for the one before.
const change = "c = if_not_exists(c, :epoch) + :one"

// over is the latest mark that no longer counts.
func (s *Files) over() types.AttributeValue {
	return num(s.Now().Add(-file.Burial).UnixMilli())
}

// Bury marks a blob as being removed if nobody refers to it, and reports whether it
// did: one write. The caller then has half of file.Burial to remove the bytes and to
// call Buried; after all of it others may bury or hold the blob. Unavailable while
// somebody else has it.
func (s *Files) Bury(ctx context.Context, sha string) (mine bool, err error) {
	_, err = s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: blobKey(sha), UpdateExpression: aws.String("SET dy = :epoch, " + change),
		ConditionExpression: aws.String("(attribute_not_exists(n) OR n <= :none) AND " + unmarked),
		ExpressionAttributeValues: item{
			":epoch": num(s.Now().UnixMilli()), ":one": num(1), ":none": num(0), ":over": s.over()},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	old, failed := conditionFailed(err)
	switch {
	case failed && number(old, nBytes) > 0:
		return false, nil
	case failed:
		return false, unavailable("bury blob", file.ErrBurial)
	case err != nil:
		return false, unavailable("bury blob", err)
	}
	return true, nil
}

// Buried ends what Bury began, when the bytes are gone: one write. It may be
// repeated.
func (s *Files) Buried(ctx context.Context, sha string) error {
	_, err := s.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.table, Key: blobKey(sha), ConditionExpression: aws.String("attribute_exists(dy)"),
	})
	if _, failed := conditionFailed(err); failed {
		return nil
	}
	return unavailable("forget blob", err)
}
