// Simulate plays a day of prompts against a fleet whose size is set by different
// signals, and prints what each costs and how long prompts wait. Nothing is served:
// it is arithmetic over events, a day in some seconds.
//
// The day's load comes from a recorded hour, whose arrivals and sizes are repeated
// through the day, more or fewer of them by a curve that peaks at about twice the
// mean in the evening; or from the load that Parley is designed for, a thousandth of
// it. Without TRACE the hour is made up, with the published means of the Azure trace.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"parley/scripts/internal/fleet"
	"parley/scripts/internal/prices"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "simulate:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("simulate", flag.ContinueOnError)
	path := flags.String("trace", os.Getenv("TRACE"), "recorded hour: Azure's CSV or Mooncake's JSON lines; default TRACE")
	rate := flags.Float64("rate", 40, "prompts a second of the trace's day, on average")
	seed := flags.Uint64("seed", 1, "of everything that is drawn by lot")
	part := flags.Float64("part", 0.001, "of the designed load that is played")
	boot := flags.Float64("boot", 300, "seconds from the decision for a replica to its first prompt")
	table := flags.String("prices", "docs/prices.json", "where the price of a GPU's hour is")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), "usage: go run ./scripts/simulate [flags]\n\nPlays a day of prompts against fleets that are sized by different signals.\n\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	usd, err := hour(*table)
	if err != nil {
		return err
	}
	rows, name, err := rowsOf(*path, *seed)
	if err != nil {
		return err
	}
	trace := repeated(name, rows, *rate, *seed)
	for _, d := range []day{trace, rush(trace), designed(*part, *seed)} {
		print(out, d, *boot, usd)
	}
	return nil
}

// hour is what a replica costs in an hour, in USD.
func hour(path string) (float64, error) {
	t, err := prices.Load(path)
	if err != nil {
		return 0, err
	}
	price, ok := t.Prices["gpu_hour"]
	if !ok {
		return 0, fmt.Errorf("%s has no price gpu_hour", path)
	}
	usd, _ := price.Each().Float64()
	return usd, nil
}

// print plays a day with every policy and prints a table.
func print(out io.Writer, d day, boot, usd float64) {
	fmt.Fprintf(out, "### %s\n\n%d prompts, %.1f a second on average; %.0f tokens of a prompt and %.0f of an answer on average; %.0f slots needed on average.\n\n",
		d.name, len(d.prompts), float64(len(d.prompts))/daySeconds, d.mean(func(p prompt) float64 { return p.In }),
		d.mean(func(p prompt) float64 { return p.Out }), d.need())
	fmt.Fprint(out, "| scaled by | replicas: mean | most | changes | wait of free p50 / p99, s | of premium | started too late, % | USD a day |\n|---|---|---|---|---|---|---|---|\n")
	for _, p := range policies(d) {
		r := fleet.Play(d.prompts, engine, p, boot)
		late := r.Late[fleet.Free] + r.Late[fleet.Premium]
		fmt.Fprintf(out, "| %s | %.1f | %d | %d | %s | %s | %.2f | %.0f |\n", p.Name, r.Hours/24, r.Most, r.Changes,
			r.Waits(fleet.Free, 0, daySeconds), r.Waits(fleet.Premium, 0, daySeconds), 100*float64(late)/float64(len(d.prompts)), r.Hours*usd)
	}
	fmt.Fprintln(out)
}
