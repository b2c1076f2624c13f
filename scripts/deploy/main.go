// Deploy brings a checkout of Parley into an AWS account: it checks, builds, shows
// what would change, asks, deploys, tests what it has deployed, and goes back to
// what was before if that test fails.
//
// Tour, bottom up:
//
//   - package section reads parts of templates; package environment reads what is
//     deployed where, and prod/ is such an environment; package change says and
//     judges what a deployment would do;
//   - desk.go prints and asks; cloud.go opens AWS in one region;
//   - check.go is what is looked at before anything is built; secret.go has the
//     secret of the edge; build.go builds and uploads;
//   - plan.go makes a change set and reads it; execute.go carries it out and
//     follows it; back.go remembers what was before, and returns to it;
//   - page.go brings the page to the edge; smoke.go tests what runs; deploy.go puts
//     all of it in order, and rotate.go what another secret takes.
//
// What this promises: nothing that holds data is removed or replaced unless a flag
// names it; no secret is printed, in a file or on a command line; and wherever it
// is stopped, it says what it has left.
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
	"time"
)

const usage = `Usage: go run ./scripts/deploy [COMMAND] -env ENVIRONMENT [flags]

Deploys this checkout with the AWS credentials and profile of the environment.
Without a COMMAND it checks, builds, shows the change set, asks, deploys and tests;
what fails the test is rolled back. Ctrl-C stops it at any point, and it says what
it leaves; while CloudFormation works, the first one has an update taken back.

Commands:
  check           hold parameter files and templates against each other, without AWS
  rollback        return one stack to what was before its last deployment
  rotate-secret   have the edge prove itself to the regions by another secret

Which stacks: -region NAME (all of the region's, or NAME-fleet for one of them),
-edge or -billing; -all is every stack of the environment, in the order in which
they need each other.

A full turn, question and answer, is tested too if SMOKE_EMAIL and SMOKE_PASSWORD
name an account and -public says that the environment's origin leads here.

Exit codes:
  0    done, or nothing was to be done
  1    refused or failed before anything was changed
  2    the command line can't be understood
  3    somebody said no, or -plan found changes
  4    the deployment failed, and CloudFormation went back to what was before
  5    the test failed, and what was before is there again
  6    the test failed, and what was deployed is still there: somebody has to look
  130  stopped by Ctrl-C

Flags:
`

// Exit codes; usage says what they mean.
const (
	exitRefused     = 1
	exitUsage       = 2
	exitNo          = 3
	exitDeployment  = 4
	exitReturned    = 5
	exitStays       = 6
	exitInterrupted = 130
)

// coded is an error that ends the program with a code.
type coded struct {
	code int
	err  error
}

func (c *coded) Error() string { return c.err.Error() }
func (c *coded) Unwrap() error { return c.err }

func exit(code int, format string, args ...any) error {
	return &coded{code, fmt.Errorf(format, args...)}
}

func exitCode(err error) int {
	c, ok := errors.AsType[*coded](err)
	switch {
	case err == nil:
		return 0
	case ok:
		return c.code
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitRefused
}

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	hurry := make(chan struct{}) // closed by a second Ctrl-C
	go func() {
		<-signals
		cancel()
		<-signals
		close(hurry)
	}()
	err := run(ctx, hurry, os.Args[1:], os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "deploy:", err)
	}
	os.Exit(exitCode(err))
}

// options are what the command line says.
type options struct {
	command string
	root    string
	files   string // folder of environments; in the checkout if relative
	env     string
	region  string
	edge    bool
	billing bool
	all     bool

	bucket string
	plan   bool
	yes    bool
	dirty  bool
	public bool
	api    string
	lose   list
	smoke  time.Duration
}

// list is a flag that may be given several times.
type list []string

func (l *list) String() string { return strings.Join(*l, " ") }

func (l *list) Set(s string) error {
	*l = append(*l, s)
	return nil
}

func (o *options) register(f *flag.FlagSet) {
	f.StringVar(&o.root, "root", ".", "the checkout")
	f.StringVar(&o.files, "files", "scripts/deploy", "folder that holds a folder of parameter files for each environment")
	f.StringVar(&o.env, "env", "", "environment, prod for instance")
	f.StringVar(&o.region, "region", "", "the stacks of this region, or one of them: eu-west-2, eu-west-2-fleet")
	f.BoolVar(&o.edge, "edge", false, "the edge, one stack for all regions")
	f.BoolVar(&o.billing, "billing", false, "billing reports of the account, and what brings other regions' lines to them")
	f.BoolVar(&o.all, "all", false, "all stacks of the environment, one after the other")
	f.StringVar(&o.bucket, "bucket", "", "bucket in the region for what is deployed (default: the one that SAM CLI makes)")
	f.BoolVar(&o.plan, "plan", false, "stop after showing what would change")
	f.BoolVar(&o.yes, "yes", false, "don't ask")
	f.BoolVar(&o.dirty, "dirty", false, "deploy although the checkout has changes that aren't committed")
	f.BoolVar(&o.public, "public", false, "test through the environment's origin, too")
	f.StringVar(&o.api, "api", "", "where the test reaches the stack's API (default: its output ApiUrl)")
	f.Var(&o.lose, "lose", "path of a resource with data that may be lost, Data/ChatsTable for instance; may be repeated")
	f.DurationVar(&o.smoke, "smoke", time.Minute, "how long the test tries before it fails")
}

// stacks are the flags that choose them.
func (o *options) stacks() ([]string, error) {
	var names []string
	if o.region != "" {
		names = append(names, o.region)
	}
	if o.edge {
		names = append(names, "edge")
	}
	if o.billing {
		names = append(names, "billing")
	}
	if o.all == (len(names) > 0) || len(names) > 1 {
		return nil, exit(exitUsage, "give one of -region, -edge, -billing and -all (-help tells more)")
	}
	return names, nil
}

func run(ctx context.Context, hurry <-chan struct{}, args []string, in io.Reader, out io.Writer) error {
	d, err := parse(args, in, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	d.hurry = hurry
	return d.do(ctx)
}

// parse reads the command line.
func parse(args []string, in io.Reader, out io.Writer) (*desk, error) {
	d := &desk{options: options{command: "deploy"}, in: in, out: out}
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		d.command, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet("deploy", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() {
		fmt.Fprint(out, usage)
		flags.PrintDefaults()
	}
	d.register(flags)
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return nil, err
	case err != nil:
		return nil, &coded{exitUsage, err}
	case flags.NArg() > 0:
		return nil, exit(exitUsage, "%q: flags only (-help tells more)", flags.Arg(0))
	case d.env == "" && d.command != "check":
		return nil, exit(exitUsage, "-env is missing: which environment? (-help tells more)")
	}
	return d, nil
}

// do does what the command line says.
func (d *desk) do(ctx context.Context) error {
	switch d.command {
	case "check":
		return d.checkFiles(ctx)
	case "deploy":
		return d.deployAll(ctx)
	case "rollback":
		return d.rollback(ctx)
	case "rotate-secret":
		return d.rotateSecret(ctx)
	}
	return exit(exitUsage, "there is no command %q (-help lists them)", d.command)
}
