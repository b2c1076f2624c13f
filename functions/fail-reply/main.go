// Fail-reply ends replies whose prompts were given up: it reads the dead-letter
// queue of prompts, writes the failure, gives the quota back and notes the usage.
package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/function"
	"parley/shared/queue"
	"parley/shared/region"
	"parley/shared/store"
	"parley/shared/usage"
)

type settings struct {
	ChatsTable  string `env:"CHATS_TABLE,required"`
	UsageBucket string `env:"USAGE_BUCKET,required"`
	Queue       string `env:"DEAD_QUEUE_URL,required"`
	Region      region.Settings
}

func main() { function.Main(build) }

func build(c settings, cfg aws.Config, log *slog.Logger) any {
	chats := store.NewChats(store.DynamoDB(cfg), nil, c.ChatsTable, "")
	g := &usage.GiveUp{Replies: chats, Files: store.NewUsage(s3.NewFromConfig(cfg), c.UsageBucket), Now: time.Now}
	here := &region.Look{Settings: c.Region, Beats: chats, Now: time.Now}
	// Before it has caught up another region may have answered what is dead here.
	return queue.NewDead(sqs.NewFromConfig(cfg), c.Queue, log).Consume(here.CaughtUp, g.Do)
}
