// Admin is the operators' tool: it looks into users, replies, files and the
// dead-letter queue of a Parley and changes them.
//
// Every change asks first if it can't be taken back, and is written down with who
// made it and when: as a row beside the user, which admin audit reads, and as a
// line of JSON on standard error. Repairs of files are only in the latter.
//
// Tour, bottom up: where.go finds the deployed stack and opens its parts; desk.go
// prints, asks and logs; user.go, reply.go, files.go, index.go and dlq.go are the
// commands, which command.go lists.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

const usage = `Usage: admin COMMAND [ARG...] [flags]

Looks into a deployed Parley and changes it, with the AWS credentials, region
and profile of the environment. --local means the one that make run started.
A USER is an id or an e-mail address.

Commands:
%s
admin COMMAND --help tells more about one.

Flags for every command:
`

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "admin:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out, log io.Writer) error {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	cmd, rest := find(args)
	o := options{}
	flags := flag.NewFlagSet("admin", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() { printUsage(flags, cmd) }
	o.register(flags)
	if cmd.flags != nil {
		cmd.flags(flags, &o)
	}
	words, err := parse(flags, rest)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return fmt.Errorf("%w (admin --help lists the commands)", err)
	case cmd.name == "" && len(words) == 0:
		flags.Usage()
		return nil
	case cmd.name == "":
		return fmt.Errorf("there is no command %q: admin --help lists them", strings.Join(words, " "))
	case len(words) < cmd.least || cmd.most >= 0 && len(words) > cmd.most:
		return fmt.Errorf("usage: admin %s %s", cmd.name, cmd.args)
	}
	d, err := open(ctx, o, in, out, log)
	if err != nil {
		return err
	}
	return cmd.run(ctx, d, words)
}

// parse takes flags wherever they stand and returns the other words.
func parse(flags *flag.FlagSet, args []string) ([]string, error) {
	var words []string
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		args = flags.Args()
		if len(args) == 0 {
			return words, nil
		}
		words, args = append(words, args[0]), args[1:]
	}
}

func printUsage(flags *flag.FlagSet, cmd command) {
	if cmd.name != "" {
		fmt.Fprintf(flags.Output(), "Usage: admin %s %s\n\n%s\n\nFlags:\n", cmd.name, cmd.args, cmd.about)
	} else {
		var list strings.Builder
		for _, c := range commands() {
			first, _, _ := strings.Cut(c.about, "\n")
			fmt.Fprintf(&list, "  %-52s %s\n", c.name+" "+c.args, first)
		}
		fmt.Fprintf(flags.Output(), usage, list.String())
	}
	flags.PrintDefaults()
}
