// Chaos has users ask a fleet for thousands of answers while its parts are killed,
// and says whether every guarantee was kept.
//
// Workers, relays, engines and a Valkey run as processes; DynamoDB is dynoxide, SQS
// and S3 are the embedded AWS. Users send through chat.Sender, some through the
// function's binary, and read as clients do: server-sent events with resumption,
// waits, cancels. All the while parts get SIGKILL and are started again, prompts
// are delivered twice, and engines fail on order. In the end the history of every
// prompt, as clients, table and engines have it, goes to package check. The exit
// code is 1 if that finds anything.
//
// What is asked and what is killed, and in which order, follows from the seed
// (package plan); the moments follow from the machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"parley/scripts/internal/runtimeapi"
)

// settings are the flags.
type settings struct {
	prompts, users  int
	workers, slots  int
	seed            uint64
	limit, deadline time.Duration
	every, pace     time.Duration
	real            bool
	data            string
	port            int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	set, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	ok := false
	if err == nil {
		ok, err = chaos(ctx, set)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func parse(args []string) (settings, error) {
	var s settings
	f := flag.NewFlagSet("chaos", flag.ContinueOnError)
	f.IntVar(&s.prompts, "prompts", 10_000, "how many prompts are sent")
	f.IntVar(&s.users, "users", 0, "who send them, one after the other each; 0: one for 20 prompts, 500 at most")
	f.Uint64Var(&s.seed, "seed", 0, "decides what is asked and what is killed; 0: any")
	f.DurationVar(&s.limit, "duration", 25*time.Minute, "after this nothing more is sent or killed")
	f.DurationVar(&s.deadline, "deadline", 5*time.Minute, "within which a prompt has to be started")
	f.DurationVar(&s.every, "every", 0, "mean time between two kills, negative: nothing is killed; 0: 3s, for real engines 8s")
	f.IntVar(&s.workers, "workers", 3, "worker processes")
	f.IntVar(&s.slots, "slots", 24, "answers that an engine writes at once")
	f.DurationVar(&s.pace, "pace", 40*time.Millisecond, "time between two tokens of an answer")
	f.StringVar(&s.data, "data", ".data/chaos", "folder for logs and what parts keep; it is emptied at first")
	f.IntVar(&s.port, "port", 0, "first of 16 ports on loopback; 0: wherever 16 are free from 21600 on")
	engine := f.String("engine", "test", "test: fleet/enginetest; real: llama.cpp with the small model")
	f.Usage = func() {
		fmt.Fprintln(f.Output(), "Kills parts of a running fleet and checks that nothing was lost, doubled or changed.\n\nUsage: go run ./scripts/chaos [flags]")
		f.PrintDefaults()
	}
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if s.users == 0 {
		s.users = min(max(s.prompts/20, 10), 500)
	}
	if s.seed == 0 {
		s.seed = rand.Uint64N(1 << 32)
	}
	if s.real = *engine == "real"; s.every == 0 {
		s.every = 3 * time.Second
		if s.real {
			s.every = 8 * time.Second // they take longer to start
		}
	}
	if s.prompts < 1 || s.users < 1 || s.workers < 1 || *engine != "test" && !s.real {
		return s, errors.New("prompts, users and workers are at least one, the engine is test or real")
	}
	return s, nil
}

// chaos runs everything and reports whether every guarantee was kept.
func chaos(ctx context.Context, set settings) (bool, error) {
	root, err := runtimeapi.Root()
	if err != nil {
		return false, err
	}
	r, err := newRun(ctx, set, root)
	if err != nil {
		return false, err
	}
	defer r.fleet.stop()
	fmt.Printf("seed %d: %d prompts of %d users, logs in %s\n", set.seed, set.prompts, set.users, set.data)
	r.play(ctx)
	if ctx.Err() != nil {
		return false, errors.New("interrupted")
	}
	if err := r.settle(ctx); err != nil {
		return false, err
	}
	return r.report(os.Stdout), nil
}
