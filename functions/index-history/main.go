// Index-history brings the search index of users up to the present: it reads the queue
// of index jobs.
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

	"parley/shared/function"
	"parley/shared/object"
	"parley/shared/queue"
	"parley/shared/search"
	"parley/shared/shelf"
	"parley/shared/store"
)

type settings struct {
	ChatsTable   string        `env:"CHATS_TABLE,required"`
	BodiesBucket string        `env:"BODIES_BUCKET,required"`
	FilesTable   string        `env:"FILES_TABLE,required"`
	FilesBucket  string        `env:"FILES_BUCKET,required"`
	IndexBucket  string        `env:"INDEX_BUCKET,required"`
	IndexQueue   string        `env:"INDEX_QUEUE_URL,required"`
	Lag          time.Duration `env:"INDEX_LAG" envDefault:"10m"`        // how old a message is before it goes into a segment
	Batch        int           `env:"INDEX_BATCH_KB" envDefault:"32768"` // text of one segment, which is held in memory
}

func main() { function.Main(build) }

func build(c settings, cfg aws.Config, log *slog.Logger) any {
	db, objects := store.DynamoDB(cfg), s3.NewFromConfig(cfg)
	chats := store.NewChats(db, objects, c.ChatsTable, c.BodiesBucket)
	segments, err := shelf.New(objects, c.IndexBucket, filepath.Join(os.TempDir(), "segments"), 0)
	if err != nil {
		log.Error("no room for segments", "error", err.Error())
		os.Exit(1)
	}
	jobs := queue.NewIndexes(sqs.NewFromConfig(cfg), c.IndexQueue)
	indexer := &search.Indexer{
		Ledger: chats, Shelf: segments,
		Texts: search.Library{Files: store.NewFiles(db, c.FilesTable, c.ChatsTable), Contents: object.New(objects, c.FilesBucket)},
		Lag:   c.Lag, Batch: c.Batch << 10, Now: time.Now,
	}
	return queue.Consume(log, queue.DecodeIndex, func(ctx context.Context, j queue.IndexJob) error {
		done, err := indexer.Run(ctx, search.Job(j))
		if err != nil {
			return err
		}
		log.InfoContext(ctx, "history indexed", "user", j.User, "documents", done.Docs, "bytes", done.Bytes, "merged", done.Merged, "again", done.Again)
		switch {
		case done.Again:
			return jobs.Index(ctx, queue.IndexJob{User: j.User})
		case done.Later:
			return jobs.Later(ctx, queue.IndexJob{User: j.User}, search.SweepAfter)
		}
		return nil
	})
}
