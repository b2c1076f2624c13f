// Policy compares the roles of functions and fleet with what they were seen to ask
// of AWS; see package policy. Make test runs it at its end.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"parley/scripts/internal/policy"
)

const usage = `Usage: policy [-root DIR] [-spare] CALLS...
       policy [-root DIR] -write

CALLS are files that run -calls writes, counted together. Each finding is a line; with any, the exit
code is 1. Rights that no call needed count as findings with -spare only, for a run in
which every test has passed; else they are just listed. With -write, docs/permissions.md is written from the templates.
`

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "policy:", err)
		os.Exit(1)
	}
}

func run() error {
	root := flag.String("root", ".", "the checkout")
	write := flag.Bool("write", false, "write docs/permissions.md")
	spare := flag.Bool("spare", false, "a right that no call needed is an error")
	flag.Usage = func() { fmt.Fprint(flag.CommandLine.Output(), usage) }
	flag.Parse()
	roles, err := policy.Roles(*root)
	if err != nil {
		return err
	}
	if *write {
		return os.WriteFile(filepath.Join(*root, "docs", "permissions.md"), policy.Table(roles), 0o644)
	}
	if flag.NArg() == 0 {
		return errors.New("which file of calls? See -help")
	}
	record, err := policy.Read(flag.Args()...)
	if err != nil {
		return err
	}
	found := append(policy.Widths(roles), policy.Compare(roles, record)...)
	found = policy.Judge(found, policy.Exceptions, policy.Wide, policy.Missing, policy.Spare, policy.Strange)
	errs, unneeded := 0, 0
	for _, f := range found {
		fmt.Println(f)
		if f.Kind == policy.Spare && !*spare {
			unneeded++
		} else {
			errs++
		}
	}
	if errs > 0 {
		return fmt.Errorf("%d findings about %d roles, of %d different needs", errs, len(roles), len(record.Needs))
	}
	fmt.Printf("%d roles allow what was seen: %d different needs, %d rights that none of them used, %d exceptions\n", len(roles), len(record.Needs), unneeded, len(policy.Exceptions))
	return nil
}
