// Send-message accepts questions: POST /v1/messages and regenerate.
package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/shared/api"
	"parley/shared/auth"
	"parley/shared/chat"
	"parley/shared/chatapi"
	"parley/shared/config"
	"parley/shared/id"
	"parley/shared/queue"
	"parley/shared/quota"
	"parley/shared/store"
)

type settings struct {
	AccountsTable   string        `env:"ACCOUNTS_TABLE,required"`
	ChatsTable      string        `env:"CHATS_TABLE,required"`
	BodiesBucket    string        `env:"BODIES_BUCKET,required"`
	QueueFree       string        `env:"QUEUE_URL_FREE,required"`
	QueuePremium    string        `env:"QUEUE_URL_PREMIUM,required"`
	DeadlineFree    time.Duration `env:"DEADLINE_FREE" envDefault:"120s"`
	DeadlinePremium time.Duration `env:"DEADLINE_PREMIUM" envDefault:"60s"`
	EdgeSecret      string        `env:"EDGE_SECRET"`
}

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	h, err := handler(context.Background(), log)
	if err != nil {
		log.Error("can't start", "error", err.Error())
		os.Exit(1)
	}
	api.StartLambda(h)
}

func handler(ctx context.Context, log *slog.Logger) (http.Handler, error) {
	c, err := config.Load[settings]()
	if err != nil {
		return nil, err
	}
	cfg, err := store.AWS(ctx)
	if err != nil {
		return nil, err
	}
	db := store.DynamoDB(cfg)
	chats := store.NewChats(db, s3.NewFromConfig(cfg), c.ChatsTable, c.BodiesBucket)
	client := sqs.NewFromConfig(cfg)
	plans := queue.Plans{quota.Free: queue.New(client, c.QueueFree), quota.Premium: queue.New(client, c.QueuePremium)}
	sender := &chat.Sender{
		Store: chats, Queue: plans, Now: time.Now, NewID: id.New,
		Deadlines: map[quota.Plan]time.Duration{quota.Free: c.DeadlineFree, quota.Premium: c.DeadlinePremium},
	}
	service := &api.Service{Verifier: auth.NewVerifier(auth.NewKeyring(store.NewAccounts(db, c.AccountsTable), time.Now)), EdgeSecret: c.EdgeSecret, Log: log}
	return service.Mux(chatapi.Send(service, sender, queue.NewLookout(plans, chats, time.Now))), nil
}
