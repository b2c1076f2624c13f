// Send-message accepts questions: POST /v1/messages and regenerate.
package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/api"
	"parley/shared/auth"
	"parley/shared/chat"
	"parley/shared/chatapi"
	"parley/shared/function"
	"parley/shared/id"
	"parley/shared/model"
	"parley/shared/queue"
	"parley/shared/quota"
	"parley/shared/region"
	"parley/shared/store"
)

type settings struct {
	AccountsTable   string        `env:"ACCOUNTS_TABLE,required"`
	ChatsTable      string        `env:"CHATS_TABLE,required"`
	BodiesBucket    string        `env:"BODIES_BUCKET,required"`
	FilesTable      string        `env:"FILES_TABLE,required"`
	DeadlineFree    time.Duration `env:"DEADLINE_FREE" envDefault:"120s"`
	DeadlinePremium time.Duration `env:"DEADLINE_PREMIUM" envDefault:"60s"`
	Edge            api.Edge
	Models          model.Table `env:"MODELS"`
	Queues          queue.Settings
	Region          region.Settings
}

func main() { function.Main(build) }

func build(c settings, cfg aws.Config, log *slog.Logger) any {
	db := store.DynamoDB(cfg)
	chats := store.NewChats(db, s3.NewFromConfig(cfg), c.ChatsTable, c.BodiesBucket).WithFiles(c.FilesTable).InRegion(c.Region.Stamp())
	plans := c.Queues.Plans(sqs.NewFromConfig(cfg))
	sender := &chat.Sender{
		Store: chats, Files: chats, Queue: plans, Models: c.Models, Now: time.Now, NewID: id.New,
		Lookout:   queue.NewLookout(plans, chats, time.Now),
		Deadlines: map[quota.Plan]time.Duration{quota.Free: c.DeadlineFree, quota.Premium: c.DeadlinePremium},
		Region:    c.Region.Stamp(), Regions: &region.Look{Settings: c.Region, Beats: chats, Now: time.Now},
	}
	service := &api.Service{Verifier: auth.NewVerifier(auth.NewKeyring(store.NewAccounts(db, c.AccountsTable), time.Now)), Edge: c.Edge, Log: log}
	return service.Lambda(chatapi.Send(service, sender))
}
