// Signup lets people open an account.
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
	"parley/shared/mail"
	"parley/shared/store"
)

type settings struct {
	AccountsTable  string `env:"ACCOUNTS_TABLE,required"`
	AccountsRegion string `env:"ACCOUNTS_REGION"`     // where accounts are written; empty: here
	Key            string `env:"KMS_KEY_ID,required"` // encrypts the signing keys
	MailFrom       string `env:"MAIL_FROM,required"`
	Origin         string `env:"ORIGIN,required"` // of the page, for links in mails
	Edge           api.Edge
	PerAddress     int `env:"SIGNUP_PER_ADDRESS" envDefault:"20"` // an hour, from one network
}

func main() { function.Main(build) }

func build(c settings, cfg aws.Config, log *slog.Logger) any {
	accounts := store.NewAccounts(store.DynamoDBIn(cfg, c.AccountsRegion), c.AccountsTable)
	nearby := store.NewAccounts(store.DynamoDB(cfg), c.AccountsTable)
	signer := auth.NewSigner(auth.NewKeyring(nearby, time.Now), kms.New(cfg, c.Key))
	service := &api.Service{Edge: c.Edge, Log: log}
	return service.Lambda(accountapi.SignUp(service, &account.Registration{
		Issuer: account.Issuer{Signer: signer, Now: time.Now, IDs: id.New},
		Users:  accounts, Throttle: accounts, Mailer: mail.New(cfg, c.MailFrom),
		PerAddress: account.PerHour(c.PerAddress), Origin: c.Origin, Log: log,
	}))
}
