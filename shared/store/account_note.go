package store

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Note writes down what was done to something of a user's outside the accounts
// table, a reply that was queued again for instance.
func (a *Accounts) Note(ctx context.Context, act Act, user, what string) error {
	_, err := a.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &a.table, Item: audit(act, user, what)})
	return unavailable("note change", err)
}
