// Roster tells vLLM Router which engines there are. The router finds engines by
// itself in Kubernetes only; on ECS they have a name in DNS, which answers with
// some of their addresses.
//
// What the router lists is the one record of what is known, so roster and router
// may each start anew. An engine is told of when it is well, which is when its
// model is loaded, and taken out when it has not been well for a while and its name
// doesn't lead to it any more: in between the router's own health check keeps
// prompts away from it.
//
// It ends with code 0 on SIGTERM and SIGINT.
package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"parley/shared/config"
)

type settings struct {
	Router  string        `env:"ROUTER_URL,required,notEmpty"`
	Engines string        `env:"ENGINES,required,notEmpty"` // host:port, whose host is the name of all engines
	Every   time.Duration `env:"EVERY" envDefault:"5s"`
}

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, log); err != nil {
		log.Error("the roster failed", "error", err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	set, err := config.Load[settings]()
	if err != nil {
		return err
	}
	r, err := newRoster(set.Router, set.Engines, net.DefaultResolver.LookupHost, log)
	if err != nil {
		return err
	}
	tick := time.NewTicker(set.Every)
	defer tick.Stop()
	for {
		r.look(ctx)
		select {
		case <-ctx.Done():
			http.DefaultClient.CloseIdleConnections()
			return nil
		case <-tick.C:
		}
	}
}
