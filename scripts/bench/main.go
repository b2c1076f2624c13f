// Bench measures Parley beside its aims and writes docs/benchmarks.md.
//
// The functions are measured as Lambda would run them (functions.go): the size of a
// binary, how long it takes to start, and what one call costs in time and allocations
// of our own, over the real Runtime API. The fleet is measured as processes over an
// exact DynamoDB, the embedded AWS and Valkey. Each part is a section of the page,
// and says its aim, what was measured, and on what machine.
//
// `make bench` starts the services that it needs. With -only the other sections of
// the page stay as they are; with -quick nothing is written.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"parley/scripts/internal/ledger/rig"
	"parley/scripts/internal/runtimeapi"
)

// part measures one section of the page.
type part struct {
	name    string // for -only
	measure func(context.Context, *bench) (section, error)
}

// parts are in the order of the page.
var parts = []part{
	{"functions", functions},
	{"verify", verification},
	{"extract", extraction},
	{"ttft", firstToken},
	{"goodput", goodput},
	{"flood", flood},
	{"prefix", prefix},
	{"streams", streams},
	{"recovery", recovery},
	{"search", searching},
	{"quality", ranking},
	{"bill", billing},
}

// bench is what the parts of one run share.
type bench struct {
	services rig.Services
	root     string // of the checkout
	quick    bool   // fewer and shorter: to see that it works
	log      io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	only := flag.String("only", "", "measure only these `parts`, separated by commas: "+names())
	quick := flag.Bool("quick", false, "fewer and shorter measurements; docs/benchmarks.md is left as it is")
	log := flag.String("log", "", "`file` for what functions and fleet print")
	flag.Parse()
	if err := run(ctx, *only, *log, *quick); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func names() string {
	var all []string
	for _, p := range parts {
		all = append(all, p.name)
	}
	return strings.Join(all, ", ")
}

func run(ctx context.Context, only, log string, quick bool) error {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	services, err := rig.FromEnv()
	if err != nil {
		return err
	}
	root, err := runtimeapi.Root()
	if err != nil {
		return err
	}
	b := &bench{services: services, root: root, quick: quick}
	if log != "" {
		f, err := os.Create(log)
		if err != nil {
			return err
		}
		defer f.Close()
		b.log = f
	}
	for _, p := range chosen {
		s, err := b.measure(ctx, p)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Println(s)
		if quick || s.Skipped {
			continue
		}
		if err := insert(filepath.Join(root, "docs", "benchmarks.md"), s); err != nil {
			return err
		}
	}
	return nil
}

// measure runs one part and says on the section when, where and beside what.
func (b *bench) measure(ctx context.Context, p part) (section, error) {
	fmt.Fprintf(os.Stderr, "bench: %s ...\n", p.name)
	began, load := time.Now(), loadAverage()
	s, err := p.measure(ctx, b)
	s.Facts = fmt.Sprintf("`make bench ONLY=%s`, %s, on %s; load average %s before and %s after the %.0f s that it took.",
		p.name, began.UTC().Format("2006-01-02 15:04"), machine(), load, loadAverage(), time.Since(began).Seconds())
	return s, err
}

func choose(only string) ([]part, error) {
	if only == "" {
		return parts, nil
	}
	var chosen []part
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no part %q, only %s", name, names())
		}
		chosen = append(chosen, parts[i])
	}
	return chosen, nil
}
