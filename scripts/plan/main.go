// Plan says what a load needs of AWS and of GPUs, region by region and hour by hour,
// what that costs, which quotas have to be raised, and what users see when a region is
// lost at its peak. It prints docs/capacity.md, for the load that Parley is designed for
// or for one's own.
//
// What an operation takes comes from docs/ledger.json, prices from docs/prices.json,
// what engines do and AWS allows from engines.json and quotas.json beside this file,
// with their sources. The simulation is that of scripts/internal/fleet.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"parley/scripts/internal/ledger"
	"parley/scripts/internal/prices"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "plan:", err)
		os.Exit(1)
	}
}

func run(args []string, out, help io.Writer) error {
	flags := flag.NewFlagSet("plan", flag.ContinueOnError)
	flags.SetOutput(help)
	load := flags.String("load", "", "file with a load of one's own, of the shape of scripts/plan/load.json; default is that one")
	docs := flags.String("docs", "docs", "folder of ledger.json and prices.json")
	svg := flags.String("svg", "", "folder to write capacity.svg and capacity-lost.svg to; default is nowhere")
	seed := flags.Uint64("seed", 1, "of everything that the simulation draws by lot")
	flags.Usage = func() {
		fmt.Fprint(help, "usage: go run ./scripts/plan [flags]\n\nPrints what a load needs, in Markdown.\n\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is no flag; see --help", flags.Arg(0))
	}
	page, pictures, err := plans(*load, *docs, *seed)
	if err != nil {
		return err
	}
	if *svg != "" {
		for name, picture := range pictures {
			if err := os.WriteFile(filepath.Join(*svg, name), []byte(picture), 0o644); err != nil {
				return err
			}
		}
	}
	_, err = io.WriteString(out, page)
	return err
}

// plans is the page and its pictures.
func plans(load, docs string, seed uint64) (string, plots, error) {
	m, err := open(load, docs)
	if err != nil {
		return "", nil, err
	}
	q, err := decodeQuotas(quotas)
	if err != nil {
		return "", nil, fmt.Errorf("quotas.json: %w", err)
	}
	return m.page(q, seed)
}

// open reads everything that a plan is made of.
func open(load, docs string) (*Model, error) {
	l, err := loadFile(load)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(docs, "ledger.json")); err != nil {
		return nil, fmt.Errorf("no ledger: %w", err)
	}
	led, err := ledger.Load(filepath.Join(docs, "ledger.json"))
	if err != nil {
		return nil, err
	}
	table, err := prices.Load(filepath.Join(docs, "prices.json"))
	if err != nil {
		return nil, err
	}
	e, err := decodeEngines(published)
	if err != nil {
		return nil, fmt.Errorf("engines.json: %w", err)
	}
	return newModel(l, led, table, e)
}
