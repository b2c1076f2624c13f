// Files serves what users have sent: lists, where to read a file's bytes, deletion.
package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/api"
	"parley/shared/auth"
	"parley/shared/file"
	"parley/shared/fileapi"
	"parley/shared/function"
	"parley/shared/object"
	"parley/shared/queue"
	"parley/shared/store"
)

type settings struct {
	AccountsTable string `env:"ACCOUNTS_TABLE,required"`
	FilesTable    string `env:"FILES_TABLE,required"`
	FilesBucket   string `env:"FILES_BUCKET,required"`
	PurgeQueue    string `env:"PURGE_QUEUE_URL,required"`
	Edge          api.Edge
	CDN           string `env:"FILES_CDN"`        // https origin that hands out files; empty: the bucket itself
	CDNKeyID      string `env:"FILES_CDN_KEY_ID"` // CloudFront's id of the public key
	CDNKey        string `env:"FILES_CDN_KEY"`    // ARN of the secret that holds the private key, PKCS #8 in PEM
}

func main() { function.Main(build) }

func build(c settings, cfg aws.Config, log *slog.Logger) any {
	db := store.DynamoDB(cfg)
	files := store.NewFiles(db, c.FilesTable, "")
	service := &api.Service{Verifier: auth.NewVerifier(auth.NewKeyring(store.NewAccounts(db, c.AccountsTable), time.Now)), Edge: c.Edge, Log: log}
	var links file.Linker = object.New(s3.NewFromConfig(cfg), c.FilesBucket)
	if c.CDN != "" {
		links = object.NewCDN(c.CDN, c.CDNKeyID, object.Secret(secretsmanager.NewFromConfig(cfg), c.CDNKey), time.Now)
	}
	deletion := &file.Deletion{Tombs: files, Purger: queue.NewPurges(sqs.NewFromConfig(cfg), c.PurgeQueue)}
	return service.Lambda(fileapi.Files(service, &file.Library{Shelf: files, Links: links}, deletion))
}
