package store

import (
	"bytes"
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/account"
)

func session(s account.Session) item {
	it := sessionKey(s.User, s.Family)
	it[aVersion], it[sHash], it[uEpoch], it[aTTL] = num(rowVersion), bin(s.Hash), num(s.Epoch), num(s.Expires.Unix())
	return it
}

// Start writes a session and remembers the visit: one transaction of two.
func (a *Accounts) Start(ctx context.Context, s account.Session, v account.Visit) error {
	return unavailable("start session", transact(ctx, a.db, []types.TransactWriteItem{
		{Put: &types.Put{TableName: &a.table, Item: session(s)}},
		{Put: &types.Put{TableName: &a.table, Item: visit(s.User, v)}},
	}))
}

// Rotate replaces a session's secret if old is the current one, and returns the
// epoch in which the session began: one write. With any other secret the session
// is deleted, account.ErrReused; account.ErrNoSession if there is none.
func (a *Accounts) Rotate(ctx context.Context, s account.Session, old []byte, now time.Time) (int, error) {
	out, err := a.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &a.table, Key: sessionKey(s.User, s.Family),
		UpdateExpression:         aws.String("SET ha = :new, #ttl = :ttl"),
		ConditionExpression:      aws.String("ha = :old AND #ttl > :now"),
		ExpressionAttributeNames: map[string]string{"#ttl": aTTL},
		ExpressionAttributeValues: item{":new": bin(s.Hash), ":old": bin(old), ":ttl": num(s.Expires.Unix()),
			":now": num(now.Unix())},
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	row, failed := conditionFailed(err)
	switch {
	case err == nil:
		return number(out.Attributes, uEpoch), nil
	case !failed:
		return 0, unavailable("rotate session", err)
	case bytes.Equal(bytesOf(row, sHash), s.Hash): // the SDK's second try of a call that had come through
		return number(row, uEpoch), nil
	case row == nil || bytes.Equal(bytesOf(row, sHash), old): // missing, or past its end
		return 0, account.ErrNoSession
	}
	if err := a.End(ctx, s.User, s.Family); err != nil {
		return 0, err
	}
	return 0, account.ErrReused
}

// End deletes a session: one write.
func (a *Accounts) End(ctx context.Context, user, family string) error {
	_, err := a.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &a.table, Key: sessionKey(user, family)})
	return unavailable("end session", err)
}

// endSessions deletes the rows of sessions and of personal access tokens, which
// a new epoch has made void.
func (a *Accounts) endSessions(ctx context.Context, user string) error {
	return a.clear(ctx, user, func(row string) bool { return strings.HasPrefix(row, "S#") || strings.HasPrefix(row, patPrefix) })
}
