package store

import (
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/quota"
)

// reportLife is how long a worker's report counts. Workers report more often.
const reportLife = time.Minute

// Report keeps how many replies a second a worker can write for a plan, judged by
// its last ones: one write unit, to be spent a few times a minute at most.
func (c *Chats) Report(ctx context.Context, p quota.Plan, worker string, perSecond float64, now time.Time) error {
	it := rateKey(p, worker)
	it["rate"] = &types.AttributeValueMemberN{Value: strconv.FormatFloat(perSecond, 'g', 6, 64)}
	it[aTTL] = num(now.Add(reportLife).Unix())
	_, err := c.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: it})
	return unavailable("report rate", err)
}

// Rate adds up the workers' reports: one eventually consistent query.
func (c *Chats) Rate(ctx context.Context, p quota.Plan, now time.Time) (float64, error) {
	out, err := c.db.Query(ctx, &dynamodb.QueryInput{
		TableName: &c.table, KeyConditionExpression: aws.String("PK = :p"),
		ExpressionAttributeValues: item{":p": rateKey(p, "")[pk]},
	})
	if err != nil {
		return 0, unavailable("read rates", err)
	}
	total := 0.0
	for _, it := range out.Items {
		n, ok := it["rate"].(*types.AttributeValueMemberN)
		if !ok || number(it, aTTL) < int(now.Unix()) {
			continue
		}
		if rate, err := strconv.ParseFloat(n.Value, 64); err == nil {
			total += rate
		}
	}
	return total, nil
}
