package store

import (
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/account"
)

// Attributes of a bucket.
const (
	lTries = "tr"
	lOpen  = "op" // ms; shut until then
)

// Take counts a try in each bucket, one write each and another for each that is
// past its free tries. If one is shut the others get theirs back.
func (a *Accounts) Take(ctx context.Context, now time.Time, buckets ...account.Bucket) (time.Duration, error) {
	for i, b := range buckets {
		wait, err := a.try(ctx, now, b)
		if err != nil {
			return 0, err
		}
		if wait > 0 {
			return wait, a.GiveBack(ctx, now, buckets[:i]...)
		}
	}
	return 0, nil
}

const whileOpen = "attribute_not_exists(op) OR op <= :now"

func (a *Accounts) try(ctx context.Context, now time.Time, b account.Bucket) (wait time.Duration, err error) {
	out, err := a.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &a.table, Key: bucketKey(b, now),
		UpdateExpression: aws.String("ADD tr :one SET #ttl = :ttl"), ConditionExpression: aws.String(whileOpen),
		ExpressionAttributeNames: map[string]string{"#ttl": aTTL},
		ExpressionAttributeValues: item{":one": num(1), ":now": num(now.UnixMilli()),
			":ttl": num(now.Add(b.Limit.Window + b.Limit.Max).Unix())},
		ReturnValues:                        types.ReturnValueUpdatedNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if row, failed := conditionFailed(err); failed {
		return shutFor(row, now), nil
	}
	if err != nil {
		return 0, unavailable("count a try", err)
	}
	if pause := b.Limit.Wait(number(out.Attributes, lTries)); pause > 0 {
		return a.shut(ctx, now, b, pause)
	}
	return 0, nil
}

// shut lets one of parallel tries pass, and shuts the bucket behind it.
func (a *Accounts) shut(ctx context.Context, now time.Time, b account.Bucket, pause time.Duration) (wait time.Duration, err error) {
	_, err = a.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &a.table, Key: bucketKey(b, now),
		UpdateExpression: aws.String("SET op = :open"), ConditionExpression: aws.String(whileOpen),
		ExpressionAttributeValues:           item{":open": num(now.Add(pause).UnixMilli()), ":now": num(now.UnixMilli())},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if row, failed := conditionFailed(err); failed {
		return shutFor(row, now), nil
	}
	return 0, unavailable("shut a bucket", err)
}

func shutFor(row item, now time.Time) time.Duration {
	return max(time.UnixMilli(int64(number(row, lOpen))).Sub(now), time.Millisecond)
}

// GiveBack uncounts a try in each bucket: one write each.
func (a *Accounts) GiveBack(ctx context.Context, at time.Time, buckets ...account.Bucket) error {
	for _, b := range buckets {
		_, err := a.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &a.table, Key: bucketKey(b, at),
			UpdateExpression: aws.String("ADD tr :less REMOVE op"), ConditionExpression: aws.String("tr > :none"),
			ExpressionAttributeValues: item{":less": num(-1), ":none": num(0)},
		})
		if _, failed := conditionFailed(err); err != nil && !failed {
			return unavailable("give back a try", err)
		}
	}
	return nil
}

func bucketKey(b account.Bucket, at time.Time) item {
	return triesKey(b.Name, strconv.FormatInt(at.Truncate(b.Limit.Window).Unix(), 10))
}
