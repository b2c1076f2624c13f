// Relay shows replies to clients while they are written: streams, waits, and the
// wish to stop. With API_URL it is the front door of a local stack as well.
//
// It ends with code 0 on SIGTERM and SIGINT; open streams break off and can be
// resumed at another relay.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"parley/fleet/frame"
	"parley/fleet/metrics"
	"parley/fleet/probe"
	"parley/fleet/serve"
	"parley/fleet/trace"
	"parley/fleet/valkey"
	"parley/shared/api"
	"parley/shared/auth"
	"parley/shared/chat"
	"parley/shared/config"
	"parley/shared/id"
	"parley/shared/model"
	"parley/shared/region"
	"parley/shared/store"
)

type settings struct {
	AccountsTable string `env:"ACCOUNTS_TABLE,required,notEmpty"`
	ChatsTable    string `env:"CHATS_TABLE,required,notEmpty"`
	BodiesBucket  string `env:"BODIES_BUCKET,required,notEmpty"`
	Listen        string `env:"LISTEN" envDefault:"127.0.0.1:8080"`
	ListenAdmin   string `env:"LISTEN_ADMIN"` // host:port of /metrics and /healthz, not for the public; empty: none
	Edge          api.Edge
	Valkey        valkey.Settings
	Sending       sending
	Region        region.Settings

	// Streams and waits that are held open at once; 0 is no limit.
	PerUser int `env:"STREAMS_PER_USER" envDefault:"50"`
	Streams int `env:"STREAMS" envDefault:"20000"`

	// A local stack's front door; without API_URL there is none.
	API    string `env:"API_URL"`
	Web    string `env:"WEB_DIR" envDefault:"web"`
	Files  string `env:"FILES_ORIGIN"` // origins that the page sends files to and gets them from, with spaces between
	Engine string `env:"ENGINE_URL"`   // for /readyz only
}

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, log); err != nil {
		log.Error("the relay failed", "error", err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	set, err := config.Load[settings]()
	if err != nil {
		return err
	}
	tracer, flush, err := trace.Open(ctx, "parley-relay")
	if err != nil {
		return err
	}
	counted := metrics.Registry()
	handler, relay, err := build(ctx, set, counted, tracer, log)
	if err != nil {
		return err
	}
	done, err := probe.Listen(ctx, set.ListenAdmin, func() error { return nil }, metrics.Handler(counted))
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", set.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		IdleTimeout:    5 * time.Minute, // longer than the load balancer's, which else would send into a connection that is being closed
		MaxHeaderBytes: 32 << 10,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	log.Info("relay started", "listen", l.Addr().String(), "front_door", set.API != "")
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(limit); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("shut down: %w", err)
	}
	relay.Drain(5 * time.Second)
	last, cancelLast := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancelLast()
	if err := flush(last); err != nil {
		log.Warn("the last spans were not exported", "error", err.Error())
	}
	return done()
}

func build(ctx context.Context, set settings, counted prometheus.Registerer, tracer *trace.Tracer, log *slog.Logger) (http.Handler, *serve.Relay, error) {
	aws, err := store.AWS(ctx)
	if err != nil {
		return nil, nil, err
	}
	db := store.DynamoDB(aws)
	replies := store.NewChats(db, s3.NewFromConfig(aws), set.ChatsTable, set.BodiesBucket)
	valkey.LogTo(log)
	shared := valkey.Open(set.Valkey)
	hub := valkey.NewHub(context.WithoutCancel(ctx), shared, log)
	accounts := store.NewAccounts(db, set.AccountsTable)
	keys := auth.NewKeyring(accounts, time.Now)
	relay := &serve.Relay{
		Pace: serve.DefaultPace(), Limits: serve.Limits{PerUser: set.PerUser, All: set.Streams}, Replies: replies, Log: log, Now: time.Now,
		Service: &api.Service{Verifier: auth.NewVerifier(keys), Edge: set.Edge, Log: log},
		Frames:  frame.NewLog(shared), Hub: hub, Stops: valkey.NewStops(shared, hub), Ending: ctx,
	}
	relay.Metrics, relay.Tracer = metrics.NewRelay(counted, namesOf(set.Sending.Models.All())...), tracer
	routes := relay.Routes()
	maps.Copy(routes, completions(set, aws, replies, accounts, relay, log))
	own := relay.Service.Mux(routes)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", probe.Alive)
	mux.Handle("GET /readyz", serve.Ready(log, checks(set, shared, replies)...))
	if set.API == "" {
		mux.Handle("/", own)
		return mux, relay, nil
	}
	front, err := frontDoor(set, own, log)
	mux.Handle("/", front)
	return mux, relay, err
}

func namesOf(models []model.Model) []string {
	names := make([]string, len(models))
	for i, m := range models {
		names[i] = m.Name
	}
	return names
}

func frontDoor(set settings, own http.Handler, log *slog.Logger) (http.Handler, error) {
	toAPI, err := serve.ToAPIAt(set.API, set.Edge.Secret, log)
	if err != nil {
		return nil, err
	}
	page, err := serve.Page(set.Web, strings.Fields(set.Files)...)
	if err != nil {
		return nil, err
	}
	return serve.FrontDoor(own, toAPI, page), nil
}

func checks(set settings, shared *redis.Client, replies *store.Chats) []serve.Check {
	list := []serve.Check{
		{Name: "valkey", Ask: func(ctx context.Context) error { return valkey.Ping(ctx, shared) }},
		{Name: "chats", Ask: func(ctx context.Context) error {
			nobody := id.New(time.Now())
			_, err := replies.Message(ctx, chat.Ref{User: nobody, Chat: nobody, Message: nobody})
			if errors.Is(err, chat.ErrNoMessage) {
				return nil
			}
			return err
		}},
	}
	if set.Region.Several() {
		here := &region.Look{Settings: set.Region, Beats: replies, Now: time.Now}
		list = append(list, serve.Check{Name: "region", Ask: here.Serves}) // users come when it has caught up
	}
	if set.API != "" {
		list = append(list,
			serve.Answers("api", strings.TrimRight(set.API, "/")+"/.well-known/jwks.json", api.EdgeSecretHeader, set.Edge.Secret),
			serve.Check{Name: "worker", Ask: func(ctx context.Context) error { return valkey.Working(ctx, shared) }})
	}
	if set.Engine != "" {
		list = append(list, serve.Answers("engine", strings.TrimRight(set.Engine, "/")+"/health"))
	}
	return list
}
