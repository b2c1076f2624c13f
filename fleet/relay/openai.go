package main

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"parley/fleet/openai"
	"parley/fleet/serve"
	"parley/shared/auth"
	"parley/shared/chat"
	"parley/shared/id"
	"parley/shared/model"
	"parley/shared/queue"
	"parley/shared/quota"
	"parley/shared/store"
)

// sending is what the OpenAI endpoint needs beyond the rest; it is what
// send-message has.
type sending struct {
	Queues          queue.Settings
	DeadlineFree    time.Duration `env:"DEADLINE_FREE" envDefault:"120s"`
	DeadlinePremium time.Duration `env:"DEADLINE_PREMIUM" envDefault:"60s"`
	Models          model.Table   `env:"MODELS"`
}

// completions returns the OpenAI endpoint's routes.
func completions(all settings, cfg aws.Config, chats *store.Chats, accounts *store.Accounts, relay *serve.Relay, log *slog.Logger) map[string]http.Handler {
	set := all.Sending
	plans := set.Queues.Plans(sqs.NewFromConfig(cfg))
	look := queue.NewLookout(plans, chats.InRegion(all.Region.Stamp()), time.Now)
	relay.Lookout = look
	endpoint := &openai.Endpoint{
		Pace: openai.DefaultPace(), Relay: relay, Models: set.Models, Log: log, Now: time.Now,
		Keys: auth.NewPATVerifier(accounts, time.Now),
		Sender: &chat.Sender{Store: chats, Queue: plans, Models: set.Models, Lookout: look, Now: time.Now, NewID: id.New,
			Deadlines: map[quota.Plan]time.Duration{quota.Free: set.DeadlineFree, quota.Premium: set.DeadlinePremium}},
	}
	return endpoint.Routes()
}
