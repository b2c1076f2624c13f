// Worker takes prompts from the queues, has the engine answer them, publishes
// what comes over Valkey and stores the replies.
//
// It ends with code 0 on SIGTERM and SIGINT, when running answers have finished
// or were handed back. LISTEN serves /healthz, /readyz and /metrics.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"parley/fleet/engine"
	"parley/fleet/frame"
	"parley/fleet/metrics"
	"parley/fleet/probe"
	"parley/fleet/trace"
	"parley/fleet/valkey"
	"parley/fleet/work"
	"parley/shared/config"
	"parley/shared/id"
	"parley/shared/model"
	"parley/shared/object"
	"parley/shared/queue"
	"parley/shared/quota"
	"parley/shared/region"
	"parley/shared/store"
)

type settings struct {
	ChatsTable   string `env:"CHATS_TABLE,required,notEmpty"`
	BodiesBucket string `env:"BODIES_BUCKET,required,notEmpty"`
	UsageBucket  string `env:"USAGE_BUCKET,required,notEmpty"`
	FilesTable   string `env:"FILES_TABLE,required,notEmpty"`
	FilesBucket  string `env:"FILES_BUCKET,required,notEmpty"`
	Queues       queue.Settings
	QueueIndex   string `env:"QUEUE_URL_INDEX"` // of histories to be indexed for search; empty: none is

	Valkey valkey.Settings

	Engine      string        `env:"ENGINE_URL,required,notEmpty"`       // without /v1
	Models      model.Table   `env:"MODELS"`                             // the same as send-message has; those on ENGINE_URL are answered here
	Model       string        `env:"ENGINE_MODEL"`                       // name in the engine's API, where MODELS isn't set
	Key         string        `env:"ENGINE_KEY"`                         // bearer token of the engine
	Slots       int           `env:"ENGINE_SLOTS"`                       // answers at once, at most; 0: as many as the engine has room for
	Context     int           `env:"ENGINE_CONTEXT"`                     // tokens; 0: as the engine says, else 4096
	Priorities  bool          `env:"ENGINE_PRIORITIES"`                  // vLLM runs with --scheduling-policy priority
	Temperature *float64      `env:"ENGINE_TEMPERATURE"`                 // unset: the engine's own
	FirstToken  time.Duration `env:"ENGINE_FIRST_TOKEN" envDefault:"2m"` // longest wait for an answer to begin
	Idle        time.Duration `env:"ENGINE_IDLE" envDefault:"30s"`       // longest silence within one
	MaxTokens   int           `env:"MAX_TOKENS" envDefault:"4096"`       // of one answer
	MaxAttempts int           `env:"MAX_ATTEMPTS" envDefault:"3"`        // of one reply
	System      string        `env:"SYSTEM_PROMPT" envDefault:"You are a helpful AI assistant named Parley."`
	Grace       time.Duration `env:"GRACE" envDefault:"20s"`      // for running answers after SIGTERM
	UsageEvery  time.Duration `env:"USAGE_EVERY" envDefault:"8s"` // how long usage records wait to fill a file; well below the visibility of 15 s
	Listen      string        `env:"LISTEN"`                      // host:port of /healthz, /readyz and /metrics; empty: none
	Region      region.Settings
}

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, log); err != nil {
		log.Error("the worker failed", "error", err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	set, err := config.Load[settings]()
	if err != nil {
		return err
	}
	valkey.LogTo(log)
	shared := valkey.Open(set.Valkey)
	counted := metrics.Registry()
	tracer, flush, err := trace.Open(ctx, "parley-worker")
	if err != nil {
		return err
	}
	w, err := build(ctx, set, shared, counted, tracer, log)
	if err != nil {
		return err
	}
	metrics.Watch(counted, metrics.State{Limit: w.Limit, Held: w.Held, Pace: w.Pace, Events: w.Events})
	go valkey.Report(ctx, shared, w.Ready)
	done, err := probe.Listen(ctx, set.Listen, w.Ready, metrics.Handler(counted))
	if err != nil {
		return err
	}
	log.Info("worker started", "slots", w.Slots, "context", w.Context, "model", set.Model)
	err = w.Run(ctx)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := flush(last); err != nil {
		log.Warn("the last spans were not exported", "error", err.Error())
	}
	return errors.Join(err, done())
}

func build(ctx context.Context, set settings, shared *redis.Client, counted prometheus.Registerer, tracer *trace.Tracer, log *slog.Logger) (*work.Worker, error) {
	aws, err := store.AWS(ctx)
	if err != nil {
		return nil, err
	}
	objects := s3.NewFromConfig(aws)
	replies := store.NewChats(store.DynamoDB(aws), objects, set.ChatsTable, set.BodiesBucket).InRegion(set.Region.Stamp())
	queues := sqs.NewFromConfig(aws)
	own := set.Models.On(set.Engine)
	if len(own) == 0 {
		return nil, fmt.Errorf("MODELS has no model on the engine %s", set.Engine)
	}
	client := clientOf(set, own)
	name := id.New(time.Now())
	parts := work.Parts{
		Settings: work.Defaults(), Replies: replies, History: replies, Engine: client, Rates: replies, Usage: store.NewUsage(objects, set.UsageBucket), Name: name,
		Queues: map[quota.Plan][]work.Queue{},
		Frames: frame.NewLog(shared),
		Leases: valkey.NewLeases(shared, name, work.Defaults().Lease),
		Stops:  valkey.NewStops(shared, valkey.NewHub(context.WithoutCancel(ctx), shared, log)),
		Files:  store.NewFiles(store.DynamoDB(aws), set.FilesTable, set.ChatsTable), Contents: object.New(objects, set.FilesBucket), Sees: seeing(own),
		Now: time.Now, Log: log,
	}
	for plan, lanes := range set.Queues.Plans(queues) {
		for _, q := range lanes.All() {
			q.Hide = parts.Visibility // so that prompts come back soon if this worker dies
			parts.Queues[plan] = append(parts.Queues[plan], work.Route(q, set.Models, set.Engine, log))
		}
	}
	if set.Region.Several() {
		watch := region.NewWatch(&region.Look{Settings: set.Region, Beats: replies, Now: time.Now}, log)
		go watch.Run(context.WithoutCancel(ctx)) // answers that run out after ctx ends need it, too
		parts.Region = watch
	}
	if set.QueueIndex != "" {
		parts.Indexes = queue.NewIndexes(queues, set.QueueIndex)
	}
	parts.Priorities = set.Priorities
	parts.System, parts.MaxTokens, parts.MaxAttempts, parts.Grace = set.System, set.MaxTokens, set.MaxAttempts, set.Grace
	parts.Gather, parts.Tracer = set.UsageEvery, tracer
	parts.Metrics = metrics.NewWorker(counted, namesOf(own)...)
	parts.Slots, parts.Context = size(ctx, set.Slots, set.Context, client, log)
	for _, m := range own {
		if m.Context > 0 {
			parts.Context = min(parts.Context, m.Context)
		}
	}
	return work.New(parts), nil
}

func namesOf(models []model.Model) []string {
	names := make([]string, len(models))
	for i, m := range models {
		names[i] = m.Name
	}
	return names
}

// seeing reports of a model's name whether it takes pictures.
func seeing(models []model.Model) func(string) bool {
	return func(name string) bool {
		return slices.ContainsFunc(models, func(m model.Model) bool { return m.Name == name && m.Vision })
	}
}

// clientOf opens the engine, which calls its models as the table says. Where that
// isn't set there is one, and ENGINE_MODEL is its name.
func clientOf(set settings, own []model.Model) *engine.Client {
	names := map[string]string{}
	for _, m := range own {
		names[m.Name] = m.EngineModel
	}
	first := cmp.Or(set.Model, own[0].EngineModel)
	if set.Models.Unset() {
		names = nil
	}
	return engine.New(engine.Settings{URL: set.Engine, Model: first, Models: names, Key: set.Key,
		Temperature: set.Temperature, FirstToken: set.FirstToken, Idle: set.Idle})
}

// size asks the engine for what the settings leave open, as soon as it answers.
func size(ctx context.Context, slots, tokens int, client *engine.Client, log *slog.Logger) (int, int) {
	for slots == 0 || tokens == 0 {
		about, err := client.About(ctx)
		if err == nil || errors.Is(err, engine.ErrRefused) || ctx.Err() != nil {
			return first(slots, about.Slots), first(tokens, about.Context, 4096)
		}
		log.Warn("the engine doesn't answer yet", "error", err.Error())
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return slots, tokens
}

func first(values ...int) int {
	for _, v := range values {
		if v > 0 {
			return v
		}
	}
	return 0
}
