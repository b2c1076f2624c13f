// Fail-reply ends replies whose prompts were given up: it reads the dead-letter
// queue of prompts, writes the failure, gives the quota back and notes the usage.
package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"parley/shared/chat"
	"parley/shared/function"
	"parley/shared/queue"
	"parley/shared/region"
	"parley/shared/store"
	"parley/shared/usage"
)

type settings struct {
	ChatsTable  string `env:"CHATS_TABLE,required"`
	UsageBucket string `env:"USAGE_BUCKET,required"`
	Region      region.Settings
}

func main() { function.Main(build) }

func build(c settings, cfg aws.Config, log *slog.Logger) any {
	chats := store.NewChats(store.DynamoDB(cfg), nil, c.ChatsTable, "")
	g := &usage.GiveUp{Replies: chats, Files: store.NewUsage(s3.NewFromConfig(cfg), c.UsageBucket), Now: time.Now}
	here := &region.Look{Settings: c.Region, Beats: chats, Now: time.Now}
	return queue.Consume(log, queue.Decode, func(ctx context.Context, p chat.Prompt) error {
		if err := here.CaughtUp(ctx); err != nil {
			return err // another region may have answered: the queue brings it again
		}
		return g.Do(ctx, p)
	})
}
