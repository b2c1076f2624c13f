package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/account"
)

// Remove frees the guards and turns the profile into a tombstone in one
// transaction, then deletes the user's other rows; only what operators did stays.
// It may be called again for a tombstone, to finish.
func (a *Accounts) Remove(ctx context.Context, u account.User, at time.Time) error {
	if !u.Deleted {
		if err := transact(ctx, a.db, a.removal(u, at)); err != nil {
			return unavailable("remove account", err)
		}
	}
	return a.clear(ctx, u.ID, func(row string) bool { return row != profileSK && !strings.HasPrefix(row, auditPrefix) })
}

func (a *Accounts) removal(u account.User, at time.Time) []types.TransactWriteItem {
	tombstone := profileKey(u.ID)
	tombstone[aVersion], tombstone[uDeleted] = num(rowVersion), num(at.UnixMilli())
	tombstone[uPassword], tombstone[uEpoch] = str(u.Password), num(u.Epoch+1)
	actions := []types.TransactWriteItem{{Put: &types.Put{TableName: &a.table, Item: tombstone,
		ConditionExpression:       aws.String("pw = :pw AND attribute_not_exists(de)"),
		ExpressionAttributeValues: item{":pw": str(u.Password)}}}}
	for _, guard := range guards(u) {
		actions = append(actions, types.TransactWriteItem{Delete: &types.Delete{TableName: &a.table, Key: guard,
			ConditionExpression:       aws.String("us = :u"),
			ExpressionAttributeValues: item{":u": str(u.ID)}}})
	}
	return actions
}

// guards are the keys of what the user holds.
func guards(u account.User) []item {
	var keys []item
	if u.Email != "" {
		keys = append(keys, emailKey(u.Email))
	}
	if u.Phone != "" {
		keys = append(keys, phoneKey(u.Phone))
	}
	return keys
}

// Bury removes a tombstone's password: one write.
func (a *Accounts) Bury(ctx context.Context, user string) error {
	_, err := a.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: &a.table, Key: profileKey(user),
		UpdateExpression: aws.String("REMOVE pw"), ConditionExpression: aws.String("attribute_exists(de)")})
	return unavailable("bury account", err)
}

// clear deletes the rows of a user whose sort key is chosen, 25 in a write.
func (a *Accounts) clear(ctx context.Context, user string, chosen func(row string) bool) error {
	var doomed []types.WriteRequest
	in := &dynamodb.QueryInput{TableName: &a.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String("PK = :p"), ProjectionExpression: aws.String("PK, SK"),
		ExpressionAttributeValues: item{":p": str(owner(user))}}
	for pages := dynamodb.NewQueryPaginator(a.db, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unavailable("list rows", err)
		}
		for _, it := range page.Items {
			if chosen(text(it, sk)) {
				doomed = append(doomed, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: it}})
			}
		}
	}
	for some := range slices.Chunk(doomed, 25) {
		out, err := a.db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{a.table: some}})
		if err == nil && len(out.UnprocessedItems) > 0 {
			err = errUnprocessed
		}
		if err != nil {
			return unavailable("delete rows", err)
		}
	}
	return nil
}
