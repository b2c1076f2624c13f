// Purge removes for good what deleted chats and deleted users leave behind: it
// reads the queue of purge jobs.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/config"
	"parley/shared/queue"
	"parley/shared/store"
)

type settings struct {
	ChatsTable   string `env:"CHATS_TABLE,required"`
	BodiesBucket string `env:"BODIES_BUCKET,required"`
}

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	consumer, err := consumer(context.Background(), log)
	if err != nil {
		log.Error("can't start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(consumer)
}

func consumer(ctx context.Context, log *slog.Logger) (queue.Consumer, error) {
	c, err := config.Load[settings]()
	if err != nil {
		return nil, err
	}
	cfg, err := store.AWS(ctx)
	if err != nil {
		return nil, err
	}
	chats := store.NewChats(store.DynamoDB(cfg), s3.NewFromConfig(cfg), c.ChatsTable, c.BodiesBucket)
	return queue.Consume(log, queue.DecodePurge, func(ctx context.Context, j queue.PurgeJob) error {
		return chats.Purge(ctx, j.User, j.Chat)
	}), nil
}
