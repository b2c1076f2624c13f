// Fail-reply ends replies whose prompts were given up: it reads the dead-letter
// queue of prompts, writes the failure and gives the quota back.
package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"

	"parley/shared/chat"
	"parley/shared/function"
	"parley/shared/queue"
	"parley/shared/store"
)

type settings struct {
	ChatsTable string `env:"CHATS_TABLE,required"`
}

func main() { function.Main(build) }

func build(c settings, cfg aws.Config, log *slog.Logger) any {
	chats := store.NewChats(store.DynamoDB(cfg), nil, c.ChatsTable, "")
	return queue.Consume(log, queue.Decode, func(ctx context.Context, p chat.Prompt) error {
		err := chats.Fail(ctx, p, chat.Undeliverable)
		if errors.Is(err, chat.ErrStale) {
			return nil // it ended before it got here
		}
		return err
	})
}
