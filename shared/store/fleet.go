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
	it := paced(c.rateKey(p, worker), pace)
	if pace.Each > 0 {
		it[fRate] = decimal(pace.Tokens / pace.Each)
	}
	it[aTTL] = num(now.Add(chat.PaceLife).Unix())
	_, err := c.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: it})
	return unavailable("report pace", err)
}

// Crew adds up the reports of a plan's workers and counts them: eventually consistent
// queries, one for each megabyte, which are some thousands of workers.
func (c *Chats) Crew(ctx context.Context, p quota.Plan, now time.Time) (sum chat.Pace, workers int, err error) {
	for in := c.reports(p); ; {
		out, err := c.db.Query(ctx, in)
		if err != nil {
			return chat.Pace{}, 0, unavailable("read paces", err)
		}
		more, n := addUp(out.Items, now)
		sum, workers = sum.Plus(more), workers+n
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			return sum, workers, nil
		}
	}
}

func (c *Chats) reports(p quota.Plan) *dynamodb.QueryInput {
	it := c.rateKey(p, "")
	return &dynamodb.QueryInput{TableName: &c.table, KeyConditionExpression: aws.String("PK = :p AND begins_with(SK, :s)"),
		ExpressionAttributeValues: item{":p": it[pk], ":s": it[sk]}}
}

func addUp(rows []item, now time.Time) (sum chat.Pace, workers int) {
	for _, it := range rows {
		if one := readPace(it); one.Tokens > 0 && number(it, aTTL) >= int(now.Unix()) {
			sum = sum.Plus(one)
			workers++
		}
	}
	return sum, workers
}

// totalLife is how long a total counts: report-backlog writes one each minute.
const totalLife = 5 * time.Minute

// SetTotal keeps what all workers of a plan do together, for all who foretell waiting
// times: one write unit.
func (c *Chats) SetTotal(ctx context.Context, p quota.Plan, total chat.Pace, now time.Time) error {
	it := paced(c.totalKey(p), total)
	it[aTTL] = num(now.Add(totalLife).Unix())
	_, err := c.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: it})
	return unavailable("keep total", err)
}

// few is how many reports Pace reads itself where nobody has added them up. Who has more
// workers has report-backlog; if that is away, a part must not pass for the whole, and
// all processes that send must not read the whole of one partition.
const few = 100

// Pace returns what all workers of a plan do together, as it was added up within the
// last minutes: half a read unit. Where it wasn't, it adds up the reports itself, by
// one query, if those are few; zero if they are more.
func (c *Chats) Pace(ctx context.Context, p quota.Plan, now time.Time) (chat.Pace, error) {
	total, err := c.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &c.table, Key: c.totalKey(p)})
	if err != nil {
		return chat.Pace{}, unavailable("read total", err)
	}
	if number(total.Item, aTTL) >= int(now.Unix()) {
		return readPace(total.Item), nil
	}
	in := c.reports(p)
	in.Limit = aws.Int32(few + 1)
	out, err := c.db.Query(ctx, in)
	if err != nil || len(out.Items) > few {
		return chat.Pace{}, unavailable("read paces", err)
	}
	sum, _ := addUp(out.Items, now)
	return sum, nil
}

// paced adds a pace to a row.
func paced(it item, pace chat.Pace) item {
	it[fTokens], it[fEach], it[fSlots] = decimal(pace.Tokens), decimal(pace.Each), decimal(pace.Slots)
	return it
}

func readPace(it item) chat.Pace {
	return chat.Pace{Tokens: float(it, fTokens), Each: float(it, fEach), Slots: float(it, fSlots)}
}

// SetNorm keeps what one worker usually does for a plan, for the time when none
// works: one write unit.
func (c *Chats) SetNorm(ctx context.Context, p quota.Plan, norm chat.Pace) error {
	_, err := c.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: paced(c.normKey(p), norm)})
	return unavailable("keep norm", err)
}

// Norm returns what was kept last, zero if nothing was: half a read unit.
func (c *Chats) Norm(ctx context.Context, p quota.Plan) (chat.Pace, error) {
	out, err := c.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &c.table, Key: c.normKey(p)})
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
