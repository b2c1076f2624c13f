// Fail-reply ends replies whose prompts were given up: it reads the dead-letter
// queue of prompts, writes the failure and gives the quota back.
package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"parley/shared/chat"
	"parley/shared/config"
	"parley/shared/queue"
	"parley/shared/store"
)

type settings struct {
	ChatsTable string `env:"CHATS_TABLE,required"`
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
	chats := store.NewChats(store.DynamoDB(cfg), nil, c.ChatsTable, "")
	return queue.Consume(log, queue.Decode, func(ctx context.Context, p chat.Prompt) error {
		err := chats.Fail(ctx, p, chat.Undeliverable)
		if errors.Is(err, chat.ErrStale) {
			return nil // it ended before it got here
		}
		return err
	}), nil
}
