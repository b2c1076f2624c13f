package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"parley/shared/auth"
)

// Attributes of a signing key.
const (
	kPublic    = "pu" // DER
	kSealed    = "se" // encrypted by KMS
	kActivates = "ac" // s
	kRetires   = "re" // s; the row's TTL too
)

// Keys returns every signing key: one consistent query.
func (a *Accounts) Keys(ctx context.Context) ([]auth.Key, error) {
	out, err := a.db.Query(ctx, &dynamodb.QueryInput{TableName: &a.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String("PK = :p"), ExpressionAttributeValues: item{":p": str(signingKeys)}})
	if err != nil {
		return nil, unavailable("read signing keys", err)
	}
	keys := make([]auth.Key, len(out.Items))
	for i, it := range out.Items {
		keys[i] = auth.Key{ID: text(it, sk), Public: bytesOf(it, kPublic), Sealed: bytesOf(it, kSealed),
			ActivatesAt: seconds(it, kActivates), RetiresAt: seconds(it, kRetires)}
	}
	return keys, nil
}

// seconds reads a time; the zero one where there is none.
func seconds(it item, name string) time.Time {
	if s := number(it, name); s > 0 {
		return time.Unix(int64(s), 0).UTC()
	}
	return time.Time{}
}

// AddKey stores a signing key unless there is one of its id: one write.
func (a *Accounts) AddKey(ctx context.Context, k auth.Key) (bool, error) {
	it := signingKey(k.ID)
	it[aVersion], it[kPublic], it[kSealed], it[kActivates] = num(rowVersion), bin(k.Public), bin(k.Sealed), num(k.ActivatesAt.Unix())
	_, err := a.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &a.table, Item: it,
		ConditionExpression: aws.String("attribute_not_exists(PK)")})
	if _, failed := conditionFailed(err); failed {
		return false, nil
	}
	return err == nil, unavailable("add signing key", err)
}

// RetireKey notes when a signing key may go, from when DynamoDB removes it; a zero
// time takes that back. One write.
func (a *Accounts) RetireKey(ctx context.Context, kid string, at time.Time) error {
	in := &dynamodb.UpdateItemInput{TableName: &a.table, Key: signingKey(kid),
		UpdateExpression: aws.String("REMOVE re, #ttl"), ConditionExpression: aws.String("attribute_exists(PK)"),
		ExpressionAttributeNames: map[string]string{"#ttl": aTTL}}
	if !at.IsZero() {
		in.UpdateExpression = aws.String("SET re = :at, #ttl = :at")
		in.ExpressionAttributeValues = item{":at": num(at.Unix())}
	}
	_, err := a.db.UpdateItem(ctx, in)
	if _, failed := conditionFailed(err); failed {
		return nil // it has gone already
	}
	return unavailable("retire signing key", err)
}
