package store

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/account"
)

var errUnprocessed = errors.New("rows left unprocessed")

// Create writes a new account: both guards, profile, first session, the secret
// that verifies its address and the network that it comes from, in one
// transaction. Where a guard is in the way that was never verified and is older
// than staleBefore, a second transaction takes it over from its holder.
func (a *Accounts) Create(ctx context.Context, m account.Member, staleBefore time.Time) error {
	var stale [2]item
	err := transact(ctx, a.db, a.creation(m, stale))
	reasons := refusals(err)
	for i, taken := range guardTaken {
		old, failed := refused(reasons, i)
		if failed && !isStale(old, staleBefore) {
			return taken
		}
		stale[i] = old
	}
	if stale[0] == nil && stale[1] == nil {
		return unavailable("create account", err)
	}
	err = transact(ctx, a.db, a.creation(m, stale))
	reasons = refusals(err)
	for i, taken := range guardTaken { // somebody else was faster
		if _, failed := refused(reasons, i); failed {
			return taken
		}
	}
	return unavailable("create account", err)
}

// guardTaken says what it means that the first or second action was refused.
var guardTaken = [2]error{account.ErrEmailTaken, account.ErrPhoneTaken}

func isStale(guard item, before time.Time) bool {
	return !flag(guard, uVerified) && int64(number(guard, gSince)) < before.UnixMilli()
}

func (a *Accounts) creation(m account.Member, stale [2]item) []types.TransactWriteItem {
	actions := []types.TransactWriteItem{
		{Put: a.guard(emailKey(m.User.Email), m.User, stale[0])},
		{Put: a.guard(phoneKey(m.User.Phone), m.User, stale[1])},
		{Put: &types.Put{TableName: &a.table, Item: profile(m.User), ConditionExpression: aws.String("attribute_not_exists(PK)")}},
		{Put: &types.Put{TableName: &a.table, Item: session(m.Session)}},
		{Put: &types.Put{TableName: &a.table, Item: secret(m.Secret)}},
		{Put: &types.Put{TableName: &a.table, Item: visit(m.User.ID, m.Visit)}},
	}
	return append(actions, a.losses(stale)...)
}

// guard claims an address or a number for u, from nobody or from a stale holder.
func (a *Accounts) guard(it item, u account.User, stale item) *types.Put {
	it[aVersion], it[gUser], it[gSince] = num(rowVersion), str(u.ID), num(u.CreatedAt.UnixMilli())
	p := &types.Put{TableName: &a.table, Item: it, ConditionExpression: aws.String("attribute_not_exists(PK)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}
	if stale != nil {
		p.ConditionExpression = aws.String("us = :u AND attribute_not_exists(ve)")
		p.ExpressionAttributeValues = item{":u": stale[gUser]}
	}
	return p
}

// losses takes from the holders of stale guards what they lose; one action for
// each holder, as a transaction may name a row once.
func (a *Accounts) losses(stale [2]item) []types.TransactWriteItem {
	lost := [2]string{"REMOVE em", "REMOVE ph"}
	users := [2]string{text(stale[0], gUser), text(stale[1], gUser)}
	if users[0] != "" && users[0] == users[1] {
		lost[0], users[1] = "REMOVE em, ph", ""
	}
	var actions []types.TransactWriteItem
	for i, user := range users {
		if user != "" {
			actions = append(actions, types.TransactWriteItem{Update: &types.Update{TableName: &a.table, Key: profileKey(user),
				UpdateExpression: &lost[i], ConditionExpression: aws.String("attribute_exists(PK)")}})
		}
	}
	return actions
}
