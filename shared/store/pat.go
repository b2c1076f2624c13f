package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/account"
	"parley/shared/auth"
)

// Attributes of a personal access token; hash, epoch, name, creation and end are
// named as elsewhere in the table.
const tHint = "hi"

func pat(p account.PAT) item {
	it := patKey(p.User, p.ID)
	it[aVersion], it[sHash], it[uEpoch] = num(rowVersion), bin(p.Hash), num(p.Epoch)
	it[uName], it[tHint], it[uCreated] = str(p.Name), str(p.Hint), num(p.CreatedAt.UnixMilli())
	if !p.ExpiresAt.IsZero() {
		it[aTTL] = num(p.ExpiresAt.Unix())
	}
	return it
}

func readPAT(it item) account.PAT {
	p := account.PAT{ID: text(it, sk)[len(patPrefix):], User: text(it, pk)[len("U#"):], Name: text(it, uName), Hint: text(it, tHint),
		CreatedAt: time.UnixMilli(int64(number(it, uCreated))).UTC(), Hash: bytesOf(it, sHash), Epoch: number(it, uEpoch)}
	if end := number(it, aTTL); end > 0 {
		p.ExpiresAt = time.Unix(int64(end), 0).UTC()
	}
	return p
}

// AddPAT writes a token unless the user has changed: one transaction of two. The
// profile counts the tokens that were ever made, so that of two made at the same
// moment one finds that the other was counted.
func (a *Accounts) AddPAT(ctx context.Context, u account.User, p account.PAT) error {
	condition, values := "ep = :ep AND attribute_not_exists(de) AND attribute_not_exists(di) AND ", item{":ep": num(u.Epoch), ":one": num(1)}
	if u.PATsMade == 0 {
		condition += "attribute_not_exists(pn)"
	} else {
		condition += "pn = :made"
		values[":made"] = num(u.PATsMade)
	}
	err := transact(ctx, a.db, []types.TransactWriteItem{
		{Update: &types.Update{TableName: &a.table, Key: profileKey(u.ID), UpdateExpression: aws.String("ADD pn :one"),
			ConditionExpression: &condition, ExpressionAttributeValues: values}},
		{Put: &types.Put{TableName: &a.table, Item: pat(p)}},
	})
	if _, failed := refused(refusals(err), 0); failed {
		return account.ErrRaced
	}
	return unavailable("add key", err)
}

// PATs reads a user's tokens: one query, of a page at most because nobody has more
// rows than account.MaxPATs by much.
func (a *Accounts) PATs(ctx context.Context, user string) ([]account.PAT, error) {
	out, err := a.db.Query(ctx, &dynamodb.QueryInput{TableName: &a.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("PK = :p AND begins_with(SK, :t)"),
		ExpressionAttributeValues: item{":p": str(owner(user)), ":t": str(patPrefix)}})
	if err != nil {
		return nil, unavailable("list keys", err)
	}
	pats := make([]account.PAT, 0, len(out.Items))
	for _, it := range out.Items {
		pats = append(pats, readPAT(it))
	}
	return pats, nil
}

// RemovePAT deletes a token: one write. account.ErrNoPAT.
func (a *Accounts) RemovePAT(ctx context.Context, user, id string) error {
	_, err := a.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &a.table, Key: patKey(user, id),
		ConditionExpression: aws.String("attribute_exists(PK)")})
	if _, failed := conditionFailed(err); failed {
		return account.ErrNoPAT
	}
	return unavailable("remove key", err)
}

// Grant reads a token and its user: one batch of two. auth.ErrBadPAT.
func (a *Accounts) Grant(ctx context.Context, user, id string, at time.Time) (auth.Grant, error) {
	rows, err := a.batch(ctx, profileKey(user), patKey(user, id))
	if err != nil {
		return auth.Grant{}, err
	}
	if len(rows) < 2 {
		return auth.Grant{}, auth.ErrBadPAT
	}
	if text(rows[0], sk) != profileSK {
		rows[0], rows[1] = rows[1], rows[0]
	}
	u, p := readProfile(rows[0]), readPAT(rows[1])
	if u.Deleted || u.Disabled || p.Epoch != u.Epoch {
		return auth.Grant{}, auth.ErrBadPAT
	}
	return auth.Grant{Hash: p.Hash, Expires: p.ExpiresAt, Who: u.Identity(at)}, nil
}
