package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/account"
	"parley/shared/problem"
	"parley/shared/quota"
)

// Act is who changes an account from outside, and when.
type Act struct {
	Who string
	At  time.Time
	ID  string // ULID
}

// Audit is what was done to an account. It is kept for good.
type Audit struct {
	Who  string    `json:"who"`
	What string    `json:"what"`
	At   time.Time `json:"at"`
}

// Find returns a user by id or e-mail address, as typed. account.ErrNoUser.
func (a *Accounts) Find(ctx context.Context, who string) (account.User, error) {
	if !strings.Contains(who, "@") {
		return a.ByID(ctx, who)
	}
	email, _ := account.NormalEmail(who)
	u, _, err := a.ByEmail(ctx, email, "")
	return u, err
}

// SetPlan puts a user on a plan, premium until till; a zero till has no end. It
// shows in the next access token.
func (a *Accounts) SetPlan(ctx context.Context, act Act, user string, p quota.Plan, till time.Time) error {
	if !p.Valid() {
		return problem.New(problem.Invalid, "plan_invalid", "There is no such plan.")
	}
	if till.IsZero() {
		return a.act(ctx, act, user, "plan "+string(p), "SET pl = :p REMOVE ti", item{":p": str(string(p))})
	}
	return a.act(ctx, act, user, fmt.Sprintf("plan %s till %s", p, till.UTC().Format(time.RFC3339)),
		"SET pl = :p, ti = :t", item{":p": str(string(p)), ":t": num(till.Unix())})
}

// SetLimits gives a user limits of their own; a zero one is the plan's.
func (a *Accounts) SetLimits(ctx context.Context, act Act, user string, own quota.Limits) error {
	if own.MessagesPerHour < 0 || own.TokensPerMessage < 0 || own.StorageBytes < 0 {
		return problem.New(problem.Invalid, "limits_invalid", "A limit can't be negative.")
	}
	what := fmt.Sprintf("limits %d messages per hour, %d tokens per message, %d bytes of files",
		own.MessagesPerHour, own.TokensPerMessage, own.StorageBytes)
	return a.act(ctx, act, user, what, "SET mh = :m, tm = :t, sb = :s",
		item{":m": num(own.MessagesPerHour), ":t": num(own.TokensPerMessage), ":s": num(own.StorageBytes)})
}

// SetDisabled shuts a user out, sessions included, or lets the user in again.
// Access tokens that are out already are good to their end; Chats.Block refuses
// their sends.
func (a *Accounts) SetDisabled(ctx context.Context, act Act, user string, disabled bool) error {
	if !disabled {
		return a.act(ctx, act, user, "enabled", "REMOVE di", nil)
	}
	err := a.act(ctx, act, user, "disabled", "SET di = :y ADD ep :one", item{":y": yes(), ":one": num(1)})
	if err != nil {
		return err
	}
	return a.endSessions(ctx, user)
}

// EndSessions logs a user out everywhere.
func (a *Accounts) EndSessions(ctx context.Context, act Act, user string) error {
	if err := a.act(ctx, act, user, "sessions ended", "ADD ep :one", item{":one": num(1)}); err != nil {
		return err
	}
	return a.endSessions(ctx, user)
}

// act changes a profile and writes down who did, in one transaction.
func (a *Accounts) act(ctx context.Context, act Act, user, what, change string, values item) error {
	err := transact(ctx, a.db, []types.TransactWriteItem{
		{Update: &types.Update{TableName: &a.table, Key: profileKey(user), UpdateExpression: &change,
			ConditionExpression: aws.String("attribute_exists(PK) AND attribute_not_exists(de)"), ExpressionAttributeValues: values}},
		{Put: &types.Put{TableName: &a.table, Item: audit(act, user, what)}},
	})
	if _, failed := refused(refusals(err), 0); failed {
		return account.ErrNoUser
	}
	return unavailable("change account", err)
}

func audit(act Act, user, what string) item {
	it := auditKey(user, act.ID)
	it[aVersion], it["who"], it["what"], it["when"] = num(rowVersion), str(act.Who), str(what), num(act.At.UnixMilli())
	return it
}

// Audits returns what was done to an account, oldest first.
func (a *Accounts) Audits(ctx context.Context, user string) ([]Audit, error) {
	entries := []Audit{}
	in := &dynamodb.QueryInput{TableName: &a.table, KeyConditionExpression: aws.String("PK = :p AND begins_with(SK, :a)"),
		ExpressionAttributeValues: item{":p": str(owner(user)), ":a": str(auditPrefix)}}
	for pages := dynamodb.NewQueryPaginator(a.db, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, unavailable("list audits", err)
		}
		for _, it := range page.Items {
			entries = append(entries, Audit{Who: text(it, "who"), What: text(it, "what"), At: time.UnixMilli(int64(number(it, "when"))).UTC()})
		}
	}
	return entries, nil
}
