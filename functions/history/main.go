// History serves what a user reads and tidies: chats, messages, feedback.
package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/api"
	"parley/shared/auth"
	"parley/shared/chat"
	"parley/shared/chatapi"
	"parley/shared/function"
	"parley/shared/queue"
	"parley/shared/store"
)

type settings struct {
	AccountsTable string `env:"ACCOUNTS_TABLE,required"`
	ChatsTable    string `env:"CHATS_TABLE,required"`
	BodiesBucket  string `env:"BODIES_BUCKET,required"`
	PurgeQueue    string `env:"PURGE_QUEUE_URL,required"`
	Edge          api.Edge
}

func main() { function.Main(build) }

func build(c settings, cfg aws.Config, log *slog.Logger) any {
	db := store.DynamoDB(cfg)
	chats := store.NewChats(db, s3.NewFromConfig(cfg), c.ChatsTable, c.BodiesBucket)
	service := &api.Service{Verifier: auth.NewVerifier(auth.NewKeyring(store.NewAccounts(db, c.AccountsTable), time.Now)), Edge: c.Edge, Log: log}
	history := &chat.History{Store: chats, Now: time.Now}
	return service.Lambda(chatapi.History(service, history, chats, queue.NewPurges(sqs.NewFromConfig(cfg), c.PurgeQueue)))
}
