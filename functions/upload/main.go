// Upload takes files: it says where their bytes go to, what of them has arrived, and
// when they are complete.
package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/api"
	"parley/shared/auth"
	"parley/shared/file"
	"parley/shared/fileapi"
	"parley/shared/function"
	"parley/shared/id"
	"parley/shared/object"
	"parley/shared/queue"
	"parley/shared/store"
)

type settings struct {
	AccountsTable string `env:"ACCOUNTS_TABLE,required"`
	ChatsTable    string `env:"CHATS_TABLE,required"`
	FilesTable    string `env:"FILES_TABLE,required"`
	FilesBucket   string `env:"FILES_BUCKET,required"`
	PurgeQueue    string `env:"PURGE_QUEUE_URL,required"`
	Edge          api.Edge
}

func main() { function.Main(build) }

func build(c settings, cfg aws.Config, log *slog.Logger) any {
	db := store.DynamoDB(cfg)
	files := store.NewFiles(db, c.FilesTable, c.ChatsTable)
	service := &api.Service{Verifier: auth.NewVerifier(auth.NewKeyring(store.NewAccounts(db, c.AccountsTable), time.Now)), Edge: c.Edge, Log: log}
	return service.Lambda(fileapi.Upload(service, &file.Uploads{
		Rows: files, Inbox: object.New(s3.NewFromConfig(cfg), c.FilesBucket), Now: time.Now, NewID: id.New,
		Remove: &file.Deletion{Tombs: files, Purger: queue.NewPurges(sqs.NewFromConfig(cfg), c.PurgeQueue)},
	}))
}
