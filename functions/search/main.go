// Search finds what a user has said, was told, or has sent in files.
package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/api"
	"parley/shared/auth"
	"parley/shared/function"
	"parley/shared/object"
	"parley/shared/queue"
	"parley/shared/search"
	"parley/shared/searchapi"
	"parley/shared/shelf"
	"parley/shared/store"
)

type settings struct {
	AccountsTable string `env:"ACCOUNTS_TABLE,required"`
	ChatsTable    string `env:"CHATS_TABLE,required"`
	BodiesBucket  string `env:"BODIES_BUCKET,required"`
	FilesTable    string `env:"FILES_TABLE,required"`
	FilesBucket   string `env:"FILES_BUCKET,required"`
	IndexBucket   string `env:"INDEX_BUCKET,required"`
	IndexQueue    string `env:"INDEX_QUEUE_URL,required"`
	Edge          api.Edge
	Disk          int64 `env:"INDEX_DISK_MB" envDefault:"400"` // of segments that are kept on the function's disk
}

func main() { function.Main(build) }

func build(c settings, cfg aws.Config, log *slog.Logger) any {
	db, objects := store.DynamoDB(cfg), s3.NewFromConfig(cfg)
	chats := store.NewChats(db, objects, c.ChatsTable, c.BodiesBucket)
	segments, err := shelf.New(objects, c.IndexBucket, filepath.Join(os.TempDir(), "segments"), c.Disk<<20)
	if err != nil {
		log.Error("no room for segments", "error", err.Error())
		os.Exit(1)
	}
	searcher := &search.Searcher{
		Archive: chats, Reader: chats, Segments: segments,
		Texts: search.Library{Files: store.NewFiles(db, c.FilesTable, c.ChatsTable), Contents: object.New(objects, c.FilesBucket)},
		Jobs:  jobs{queue.NewIndexes(sqs.NewFromConfig(cfg), c.IndexQueue)}, Now: time.Now,
		Failed: func(what string, err error) {
			log.Warn("a search had to do without", "what", what, "error", err)
		},
	}
	service := &api.Service{Verifier: auth.NewVerifier(auth.NewKeyring(store.NewAccounts(db, c.AccountsTable), time.Now)), Edge: c.Edge, Log: log}
	return service.Lambda(searchapi.Search(service, searcher))
}

// jobs queues what index-history is to do.
type jobs struct{ to *queue.Indexes }

// Index implements search.Jobs.
func (q jobs) Index(ctx context.Context, j search.Job) error {
	return q.to.Index(ctx, queue.IndexJob(j))
}
