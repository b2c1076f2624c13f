// Purge removes for good what deleted files, chats and users leave behind: it reads
// the queue of purge jobs.
package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/file"
	"parley/shared/function"
	"parley/shared/object"
	"parley/shared/queue"
	"parley/shared/shelf"
	"parley/shared/store"
)

type settings struct {
	ChatsTable   string `env:"CHATS_TABLE,required"`
	BodiesBucket string `env:"BODIES_BUCKET,required"`
	FilesTable   string `env:"FILES_TABLE,required"`
	FilesBucket  string `env:"FILES_BUCKET,required"`
	IndexBucket  string `env:"INDEX_BUCKET,required"`
	BodiesCopied bool   `env:"BODIES_COPIED"` // to other regions, by S3
	FilesCopied  bool   `env:"FILES_COPIED"`
}

func main() { function.Main(build) }

func build(c settings, cfg aws.Config, log *slog.Logger) any {
	db, objects := store.DynamoDB(cfg), s3.NewFromConfig(cfg)
	chats := store.NewChats(db, objects, c.ChatsTable, c.BodiesBucket).Copied(c.BodiesCopied)
	files := store.NewFiles(db, c.FilesTable, c.ChatsTable)
	segments := shelf.Remover{S3: objects, Bucket: c.IndexBucket}
	remover := &file.Remover{Files: files, Graves: files, Estates: files, Bytes: object.New(objects, c.FilesBucket).Copied(c.FilesCopied)}
	return queue.Consume(log, queue.DecodePurge, func(ctx context.Context, j queue.PurgeJob) error {
		switch {
		case j.File != "":
			return remover.File(ctx, j.User, j.File, j.SHA256)
		case j.Chat != "":
			return errors.Join(remover.Chat(ctx, j.User, j.Chat), chats.Purge(ctx, j.User, j.Chat))
		}
		// Segments go after the chats: who makes one from then on sees that there are none.
		return errors.Join(remover.User(ctx, j.User), chats.Purge(ctx, j.User, ""), segments.RemoveAll(ctx, j.User))
	})
}
