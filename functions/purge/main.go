// Purge removes for good what deleted chats and deleted users leave behind: it
// reads the queue of purge jobs.
package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/function"
	"parley/shared/queue"
	"parley/shared/store"
)

type settings struct {
	ChatsTable   string `env:"CHATS_TABLE,required"`
	BodiesBucket string `env:"BODIES_BUCKET,required"`
}

func main() { function.Main(build) }

func build(c settings, cfg aws.Config, log *slog.Logger) any {
	chats := store.NewChats(store.DynamoDB(cfg), s3.NewFromConfig(cfg), c.ChatsTable, c.BodiesBucket)
	return queue.Consume(log, queue.DecodePurge, func(ctx context.Context, j queue.PurgeJob) error {
		if j.File != "" {
			return fmt.Errorf("file %s of user %s can't be purged by this release", j.File, j.User)
		}
		return chats.Purge(ctx, j.User, j.Chat)
	})
}
