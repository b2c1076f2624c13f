package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/account"
)

// sHash is the hash of a secret, a session's or a mailed one.
const sHash = "ha"

func secret(s account.Secret) item {
	it := secretKey(s.User, string(s.Purpose))
	it[aVersion], it[sHash], it[uEmail], it[aTTL] = num(rowVersion), bin(s.Hash), str(s.Email), num(s.Expires.Unix())
	return it
}

func visit(user string, v account.Visit) item {
	it := placeKey(user, v.Place)
	it[aVersion], it[aTTL] = num(rowVersion), num(v.At.Add(account.PlaceFor).Unix())
	return it
}

// Keep replaces the user's secret of that purpose: one write.
func (a *Accounts) Keep(ctx context.Context, s account.Secret) error {
	_, err := a.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &a.table, Item: secret(s)})
	return unavailable("keep secret", err)
}

// Secret reads a user and a mailed secret: one batch of two.
func (a *Accounts) Secret(ctx context.Context, user string, p account.Purpose) (account.User, account.Secret, error) {
	rows, err := a.batch(ctx, profileKey(user), secretKey(user, string(p)))
	if err != nil {
		return account.User{}, account.Secret{}, err
	}
	if len(rows) < 2 {
		return account.User{}, account.Secret{}, account.ErrBadLink
	}
	if text(rows[0], sk) != profileSK {
		rows[0], rows[1] = rows[1], rows[0]
	}
	return readProfile(rows[0]), account.Secret{User: user, Purpose: p, Hash: bytesOf(rows[1], sHash),
		Email: text(rows[1], uEmail), Expires: time.Unix(int64(number(rows[1], aTTL)), 0)}, nil
}

// Verify uses s up and makes what the user holds firm: one transaction.
func (a *Accounts) Verify(ctx context.Context, u account.User, s account.Secret) error {
	return a.prove(ctx, u, s, "SET ve = :y", item{})
}

// Reset does the same and sets the hash of a new password, begins a new epoch and
// remembers the visit, then deletes the rows of the sessions that this made void.
func (a *Accounts) Reset(ctx context.Context, u account.User, s account.Secret, password string, v account.Visit) error {
	err := a.prove(ctx, u, s, "SET ve = :y, pw = :pw ADD ep :one", item{":pw": str(password), ":one": num(1)},
		types.TransactWriteItem{Put: &types.Put{TableName: &a.table, Item: visit(u.ID, v)}})
	if err == nil {
		_ = a.endSessions(ctx, u.ID) // what stays behind is void and expires
	}
	return err
}

func (a *Accounts) prove(ctx context.Context, u account.User, s account.Secret, change string, values item, more ...types.TransactWriteItem) error {
	values[":y"], values[":em"] = yes(), str(s.Email)
	actions := []types.TransactWriteItem{
		{Delete: &types.Delete{TableName: &a.table, Key: secretKey(u.ID, string(s.Purpose)),
			ConditionExpression: aws.String("ha = :h"), ExpressionAttributeValues: item{":h": bin(s.Hash)}}},
		{Update: &types.Update{TableName: &a.table, Key: profileKey(u.ID), UpdateExpression: &change,
			ConditionExpression: aws.String("em = :em AND attribute_not_exists(de)"), ExpressionAttributeValues: values}},
	}
	for _, guard := range guards(u) {
		actions = append(actions, types.TransactWriteItem{Update: &types.Update{TableName: &a.table, Key: guard,
			UpdateExpression: aws.String("SET ve = :y"), ConditionExpression: aws.String("us = :u"),
			ExpressionAttributeValues: item{":y": yes(), ":u": str(u.ID)}}})
	}
	err := transact(ctx, a.db, append(actions, more...))
	reasons := refusals(err)
	for i := range 2 {
		if _, failed := refused(reasons, i); failed {
			return account.ErrBadLink
		}
	}
	return unavailable("prove address", err) // a guard that was lost just now: the next try sees that
}
