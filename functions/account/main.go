// Account is what users do with their account: look at it, verify its address,
// reset its password, make keys for programs, delete it.
package main

import (
	"log/slog"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/account"
	"parley/shared/accountapi"
	"parley/shared/api"
	"parley/shared/auth"
	"parley/shared/function"
	"parley/shared/id"
	"parley/shared/mail"
	"parley/shared/queue"
	"parley/shared/store"
)

type settings struct {
	AccountsTable  string `env:"ACCOUNTS_TABLE,required"`
	AccountsRegion string `env:"ACCOUNTS_REGION"` // where accounts are written; empty: here
	ChatsTable     string `env:"CHATS_TABLE,required"`
	FilesTable     string `env:"FILES_TABLE,required"`
	PurgeQueue     string `env:"PURGE_QUEUE_URL,required"`
	MailFrom       string `env:"MAIL_FROM,required"`
	Origin         string `env:"ORIGIN,required"` // of the page, for links in mails
	Edge           api.Edge
	ResetFloor     time.Duration `env:"RESET_FLOOR" envDefault:"400ms"`    // a reset is answered after a multiple of it
	ResetPer       int           `env:"RESET_PER_ADDRESS" envDefault:"20"` // requests an hour from one network
	MailPer        int           `env:"MAIL_PER_ACCOUNT" envDefault:"3"`   // letters an hour to one address, of each kind
	DeletePer      int           `env:"DELETE_PER_ACCOUNT" envDefault:"5"` // wrong passwords an hour on deleting an account
}

func main() { function.Main(build) }

func build(c settings, cfg aws.Config, log *slog.Logger) any {
	db := store.DynamoDB(cfg)
	accounts, nearby := store.NewAccounts(store.DynamoDBIn(cfg, c.AccountsRegion), c.AccountsTable), store.NewAccounts(db, c.AccountsTable)
	chats := store.NewChats(db, nil, c.ChatsTable, "")
	verifier := auth.NewVerifier(auth.NewKeyring(nearby, time.Now))
	service := &api.Service{Verifier: verifier, Edge: c.Edge, Log: log}
	upkeep := &account.Upkeep{
		Users: accounts, Nearby: nearby, Secrets: accounts, Throttle: accounts, Mailer: mail.New(cfg, c.MailFrom),
		Quota: chats, Storage: store.NewFiles(db, c.FilesTable, ""), Purger: queue.NewPurges(sqs.NewFromConfig(cfg), c.PurgeQueue),
		Limits: account.UpkeepLimits{ResetPerAddress: account.PerHour(c.ResetPer),
			MailPerAccount: account.PerHour(c.MailPer), DeletePerAccount: account.PerHour(c.DeletePer)},
		Floor: c.ResetFloor, Origin: c.Origin, Now: time.Now, Log: log,
	}
	routes := accountapi.Upkeep(service, upkeep)
	maps.Copy(routes, accountapi.Keys(service, &account.Keyholder{Upkeep: upkeep, PATs: accounts, IDs: id.New}))
	return service.Lambda(routes)
}
