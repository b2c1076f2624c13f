package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"parley/shared/account"
	"parley/shared/quota"
)

// Accounts is the table of accounts, their sessions, and the signing keys. All its
// reads are strictly consistent.
type Accounts struct {
	db    *dynamodb.Client
	table string
}

// NewAccounts opens the table.
func NewAccounts(db *dynamodb.Client, table string) *Accounts {
	return &Accounts{db: db, table: table}
}

// Attributes of a profile and of the guards that find it.
const (
	uName     = "na"
	uEmail    = "em"
	uVerified = "ve" // on the guards too: what they hold is firm
	uPhone    = "ph"
	uCountry  = "co"
	uPlan     = "pl"
	uCreated  = "cr" // ms
	uTill     = "ti" // s
	uMessages = "mh" // limits of the user's own
	uTokens   = "tm"
	uStorage  = "sb"
	uPassword = "pw"
	uEpoch    = "ep"
	uPATsMade = "pn"
	uDisabled = "di"
	uDeleted  = "de" // ms; the row is a tombstone
	gUser     = "us" // whom a guard points to
	gSince    = "si" // ms
)

func profile(u account.User) item {
	it := profileKey(u.ID)
	it[aVersion] = num(rowVersion)
	it[uName], it[uEmail], it[uPhone], it[uCountry] = str(u.Name), str(u.Email), str(u.Phone), str(u.Country)
	it[uPlan], it[uCreated], it[uPassword], it[uEpoch] = str(string(u.Plan)), num(u.CreatedAt.UnixMilli()), str(u.Password), num(u.Epoch)
	return it
}

func readProfile(it item) account.User {
	u := account.User{
		ID: text(it, pk)[len("U#"):], Name: text(it, uName), Email: text(it, uEmail), EmailVerified: flag(it, uVerified),
		Phone: text(it, uPhone), Country: text(it, uCountry), Plan: quota.Plan(text(it, uPlan)),
		CreatedAt: time.UnixMilli(int64(number(it, uCreated))).UTC(), Password: text(it, uPassword), Epoch: number(it, uEpoch), PATsMade: number(it, uPATsMade),
		Own: quota.Limits{MessagesPerHour: number(it, uMessages), TokensPerMessage: number(it, uTokens),
			StorageBytes: int64(number(it, uStorage))},
		Disabled: flag(it, uDisabled), Deleted: number(it, uDeleted) > 0,
	}
	if till := number(it, uTill); till > 0 {
		u.SubscriptionTill = time.Unix(int64(till), 0).UTC()
	}
	return u
}

// ByID reads a user or a tombstone: one read. account.ErrNoUser.
func (a *Accounts) ByID(ctx context.Context, user string) (account.User, error) {
	it, err := a.get(ctx, profileKey(user))
	if err != nil || it == nil {
		return account.User{}, orMissing(err, account.ErrNoUser)
	}
	return readProfile(it), nil
}

func (a *Accounts) get(ctx context.Context, k item) (item, error) {
	out, err := a.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &a.table, Key: k, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, unavailable("get row", err)
	}
	return out.Item, nil
}

// ByEmail finds a user by the e-mail guard, and whether the user has logged in
// from place: one read and one batch of two, also where there is no such user.
func (a *Accounts) ByEmail(ctx context.Context, email, place string) (account.User, bool, error) {
	guard, err := a.get(ctx, emailKey(email))
	if err != nil {
		return account.User{}, false, err
	}
	user := text(guard, gUser)
	if user == "" {
		user = nobody(email)
	}
	rows, err := a.batch(ctx, profileKey(user), placeKey(user, place))
	if err != nil {
		return account.User{}, false, err
	}
	u, known := account.User{ID: user}, false
	for _, it := range rows {
		if text(it, sk) == profileSK {
			u = readProfile(it)
		} else {
			known = true
		}
	}
	if u.Email != email || u.Deleted {
		return account.User{ID: nobody(email)}, false, account.ErrNoUser
	}
	return u, known, nil
}

// batch reads rows in one call; those that don't exist are left out.
func (a *Accounts) batch(ctx context.Context, keys ...item) ([]item, error) {
	out, err := a.db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		a.table: {Keys: keys, ConsistentRead: aws.Bool(true)},
	}})
	if err != nil {
		return nil, unavailable("get rows", err)
	}
	if len(out.UnprocessedKeys) > 0 {
		return nil, unavailable("get rows", errUnprocessed)
	}
	return out.Responses[a.table], nil
}
