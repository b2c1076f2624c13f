// Report-backlog measures every minute how far the fleet is behind, as metrics that
// set its size, and gives its region's sign of life to the others.
package main

import (
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/backlog"
	"parley/shared/chat"
	"parley/shared/function"
	"parley/shared/queue"
	"parley/shared/quota"
	"parley/shared/region"
	"parley/shared/store"
)

type settings struct {
	ChatsTable  string  `env:"CHATS_TABLE,required"`
	Environment string  `env:"ENVIRONMENT" envDefault:"local"`
	Tokens      float64 `env:"WORKER_TOKENS" envDefault:"1000"` // a second of one worker, until one has measured it
	Each        float64 `env:"PROMPT_TOKENS" envDefault:"2000"` // of a prompt and its answer, likewise
	Queues      queue.Settings
	Region      region.Settings
}

func main() { function.Main(build) }

func build(c settings, cfg aws.Config, log *slog.Logger) any {
	plans := c.Queues.Plans(sqs.NewFromConfig(cfg))
	chats := store.NewChats(store.DynamoDB(cfg), nil, c.ChatsTable, "").InRegion(c.Region.Stamp())
	return (&backlog.Reporter{
		Environment: c.Environment, Assumed: chat.Pace{Tokens: c.Tokens, Each: c.Each}, Out: os.Stdout, Now: time.Now, Log: log,
		Fleet: chats, Pulse: &region.Look{Settings: c.Region, Beats: chats, Now: time.Now},
		Queues: map[quota.Plan]backlog.Queue{quota.Free: plans[quota.Free], quota.Premium: plans[quota.Premium]},
	}).Run
}
