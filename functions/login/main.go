// Login lets users in, keeps them in and out, and publishes the keys by which
// their access tokens are checked.
package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"parley/shared/account"
	"parley/shared/accountapi"
	"parley/shared/api"
	"parley/shared/auth"
	"parley/shared/function"
	"parley/shared/id"
	"parley/shared/kms"
	"parley/shared/store"
)

type settings struct {
	AccountsTable  string `env:"ACCOUNTS_TABLE,required"`
	AccountsRegion string `env:"ACCOUNTS_REGION"`     // where accounts are written; empty: here
	Key            string `env:"KMS_KEY_ID,required"` // encrypts the signing keys
	Edge           api.Edge
	// Failed log-ins an hour before each further one has to wait.
	PerPair    int `env:"LOGIN_PER_PAIR" envDefault:"5"`     // one account from one network
	PerAddress int `env:"LOGIN_PER_ADDRESS" envDefault:"50"` // any account from one network
	PerAccount int `env:"LOGIN_PER_ACCOUNT" envDefault:"20"` // one account from strange networks
}

func main() { function.Main(build) }

func build(c settings, cfg aws.Config, log *slog.Logger) any {
	accounts := store.NewAccounts(store.DynamoDBIn(cfg, c.AccountsRegion), c.AccountsTable)
	ring := auth.NewKeyring(store.NewAccounts(store.DynamoDB(cfg), c.AccountsTable), time.Now)
	service := &api.Service{Edge: c.Edge, Log: log}
	return service.Lambda(accountapi.Login(service, &account.Access{
		Issuer: account.Issuer{Signer: auth.NewSigner(ring, kms.New(cfg, c.Key)), Now: time.Now, IDs: id.New},
		Users:  accounts, Sessions: accounts, Throttle: accounts,
		Limits: account.LoginLimits{PerPair: account.PerHour(c.PerPair),
			PerAddress: account.PerHour(c.PerAddress), PerAccount: account.PerHour(c.PerAccount)},
	}, ring))
}
