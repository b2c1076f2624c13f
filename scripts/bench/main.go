// Bench measures each function as Lambda would run it: the size of its binary, how
// long it takes to start, and what one call costs in time and allocations of our
// own, over the real Runtime API. It prints a table and writes docs/benchmarks.md.
//
// `make bench` starts the services that it needs: an exact DynamoDB and the
// embedded AWS. Time that a function waits for them is not its own.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"parley/scripts/internal/ledger/rig"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	services, err := rig.FromEnv()
	if err != nil {
		return err
	}
	r, err := rig.New(ctx, services, rig.Options{})
	if err != nil {
		return err
	}
	defer func() {
		if err := r.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "bench: clean up:", err)
		}
	}()
	s, err := build(ctx, r)
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	var results []result
	for _, c := range s.cases() {
		res, err := measure(ctx, r, c)
		if err != nil {
			return err
		}
		fmt.Println(res.line())
		results = append(results, res)
	}
	return os.WriteFile(filepath.Join(r.Root(), "docs", "benchmarks.md"), []byte(page(results, time.Now())), 0o644)
}
