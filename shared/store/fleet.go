package store

import (
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/chat"
	"parley/shared/quota"
)

// Attributes of a worker's report.
const (
	fRate   = "rate" // replies a second, which is all that earlier releases read
	fTokens = "tok"  // tokens a second
	fEach   = "each" // tokens of a reply
	fSlots  = "slots"
)

// Report keeps what a worker can do for a plan, judged by its last replies: one
// write unit, to be spent a few times a minute at most.
func (c *Chats) Report(ctx context.Context, p quota.Plan, worker string, pace chat.Pace, now time.Time) error {
	it := rateKey(p, worker)
	it[fTokens], it[fEach], it[fSlots] = decimal(pace.Tokens), decimal(pace.Each), decimal(pace.Slots)
	if pace.Each > 0 {
		it[fRate] = decimal(pace.Tokens / pace.Each)
	}
	it[aTTL] = num(now.Add(chat.PaceLife).Unix())
	_, err := c.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: it})
	return unavailable("report pace", err)
}

// Pace adds up the reports of a plan's workers and counts them: one eventually
// consistent query.
func (c *Chats) Pace(ctx context.Context, p quota.Plan, now time.Time) (sum chat.Pace, workers int, err error) {
	out, err := c.db.Query(ctx, &dynamodb.QueryInput{
		TableName: &c.table, KeyConditionExpression: aws.String("PK = :p"),
		ExpressionAttributeValues: item{":p": rateKey(p, "")[pk]},
	})
	if err != nil {
		return chat.Pace{}, 0, unavailable("read paces", err)
	}
	for _, it := range out.Items {
		one := readPace(it)
		if one.Tokens > 0 && number(it, aTTL) >= int(now.Unix()) {
			sum = sum.Plus(one)
			workers++
		}
	}
	return sum, workers, nil
}

func readPace(it item) chat.Pace {
	return chat.Pace{Tokens: float(it, fTokens), Each: float(it, fEach), Slots: float(it, fSlots)}
}

// SetNorm keeps what one worker usually does for a plan, for the time when none
// works: one write unit.
func (c *Chats) SetNorm(ctx context.Context, p quota.Plan, norm chat.Pace) error {
	it := normKey(p)
	it[fTokens], it[fEach], it[fSlots] = decimal(norm.Tokens), decimal(norm.Each), decimal(norm.Slots)
	_, err := c.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: it})
	return unavailable("keep norm", err)
}

// Norm returns what was kept last, zero if nothing was: half a read unit.
func (c *Chats) Norm(ctx context.Context, p quota.Plan) (chat.Pace, error) {
	out, err := c.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &c.table, Key: normKey(p)})
	if err != nil {
		return chat.Pace{}, unavailable("read norm", err)
	}
	return readPace(out.Item), nil
}

func decimal(v float64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatFloat(v, 'g', 6, 64)}
}

// float returns a number of an item, 0 if there is none.
func float(it item, name string) float64 {
	n, ok := it[name].(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	v, err := strconv.ParseFloat(n.Value, 64)
	if err != nil {
		return 0
	}
	return v
}
