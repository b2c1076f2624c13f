package store

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"parley/shared/region"
)

// Attributes of a region's beat.
const (
	bAt    = "at" // ms
	bSince = "si" // ms
	bHome  = "ho" // of accounts
)

// Beats returns the last sign of life of every region, as it has come here: one
// consistent query.
func (c *Chats) Beats(ctx context.Context) ([]region.Beat, error) {
	out, err := c.db.Query(ctx, &dynamodb.QueryInput{
		TableName: &c.table, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("PK = :p"),
		ExpressionAttributeValues: item{":p": beatKey("")[pk]},
	})
	if err != nil {
		return nil, unavailable("read beats", err)
	}
	beats := make([]region.Beat, len(out.Items))
	for i, it := range out.Items {
		beats[i] = region.Beat{Region: text(it, sk)[len("R#"):], At: millis(it, bAt), Since: millis(it, bSince), Home: text(it, bHome)}
	}
	return beats, nil
}

// Beat writes a region's sign of life, one write unit, provided that its last one is
// still what the caller has read. Of two at once the first counts, which is no error.
func (c *Chats) Beat(ctx context.Context, next, last region.Beat) error {
	it := beatKey(next.Region)
	it[aVersion], it[bAt], it[bSince] = num(rowVersion), num(next.At.UnixMilli()), num(next.Since.UnixMilli())
	it[bHome] = str(next.Home)
	_, err := c.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &c.table, Item: it,
		ConditionExpression:       aws.String("attribute_not_exists(PK) OR #at = :last"),
		ExpressionAttributeNames:  map[string]string{"#at": bAt},
		ExpressionAttributeValues: item{":last": num(last.At.UnixMilli())},
	})
	if _, failed := conditionFailed(err); failed {
		return nil
	}
	return unavailable("write beat", err)
}
