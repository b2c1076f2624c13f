package enginetest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// Process serves an engine that obeys orders, as a process of its own, until ctx
// ends. It is configured by args as flags, or by the environment: ENGINE_PORT for
// -port, ENGINE_CACHE_BLOCKS for -cache-blocks. Its log goes to out.
func Process(ctx context.Context, args []string, out io.Writer) error {
	e := &Engine{Orders: true, forget: true, Exit: func() { os.Exit(137) }}
	flags := flag.NewFlagSet("enginetest", flag.ContinueOnError)
	host := flags.String("host", "127.0.0.1", "address to listen at")
	port := flags.Int("port", 8181, "port to listen at, 0 for any free one")
	flags.StringVar(&e.Model, "model", "", "its name; empty takes any")
	flags.IntVar(&e.Words, "words", 64, "tokens of an answer")
	flags.DurationVar(&e.Pace, "pace", 25*time.Millisecond, "time between two tokens")
	flags.DurationVar(&e.Prefill, "prefill", 0, "time for each token of a prompt that isn't cached")
	flags.IntVar(&e.Context, "context", 4096, "tokens of a prompt")
	flags.IntVar(&e.Slots, "slots", 4, "answers at once")
	flags.IntVar(&e.CacheBlocks, "cache-blocks", 0, "blocks of prompt prefixes that are kept, 0 for no cache")
	flags.IntVar(&e.CacheBlock, "cache-block", defaultBlock, "tokens of such a block")
	flags.BoolVar(&e.VLLM, "vllm", false, "speak as vLLM, not as llama.cpp")
	quiet := flags.Bool("quiet", false, "write no log")
	if err := fromEnv(flags); err != nil {
		return err
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !*quiet {
		e.Log(out)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(*host, fmt.Sprint(*port)))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: e.Handler(), ReadHeaderTimeout: 5 * time.Second}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// fromEnv takes what the environment has as the flags' defaults.
func fromEnv(flags *flag.FlagSet) error {
	var errs []error
	flags.VisitAll(func(f *flag.Flag) {
		name := "ENGINE_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if v, ok := os.LookupEnv(name); ok {
			if err := f.Value.Set(v); err != nil {
				errs = append(errs, fmt.Errorf("%s=%q: %w", name, v, err))
			}
		}
	})
	return errors.Join(errs...)
}
