// Run starts all of Parley on this machine and stops it again at Ctrl-C; see
// package stack for what that is. It is what make run runs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"parley/scripts/internal/stack"
)

const usage = `Usage: run [flags] [-- COMMAND [ARG...]]

Starts Parley on this machine: the embedded AWS with template.yaml deployed to
it, Valkey, the engine with the small model, worker and relay. Ctrl-C stops
everything; the data stay and the next start finds them.

With a COMMAND, it is run once Parley is ready, with PARLEY_URL, the addresses
of all parts and the template's outputs in its environment; then Parley stops
and the exit code is the COMMAND's.

Environment: PORT, AWS_PORT, ENGINE_PORT, VALKEY_PORT, DATA_DIR, MODELS; the
flags go before it.

Flags:
`

func main() {
	code, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
		code = 1
	}
	os.Exit(code)
}

func run() (int, error) {
	opts, command, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return 0, nil
	}
	if err != nil {
		return 1, err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	context.AfterFunc(ctx, cancel) // a second Ctrl-C doesn't wait
	parley, err := stack.Start(ctx, opts)
	if err != nil {
		if ctx.Err() != nil { // asked to stop while starting: not a failure
			return 0, nil
		}
		return 1, err
	}
	defer parley.Stop()
	fmt.Printf("Parley is ready: %s\n", parley.URL())
	if len(command) > 0 {
		return runCommand(parley, command)
	}
	<-parley.Done()
	if ctx.Err() != nil {
		fmt.Println("Stopping; the data stay.")
		return 0, nil
	}
	return 1, parley.Err()
}

// parse reads flags over the environment; what follows them is the command.
func parse(args []string) (stack.Options, []string, error) {
	opts, err := stack.OptionsFromEnv()
	if err != nil {
		return opts, nil, err
	}
	opts.Root, opts.Progress = ".", os.Stdout
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&opts.Root, "root", opts.Root, "the checkout")
	flags.StringVar(&opts.Data, "data", opts.Data, "folder for data and logs (default .data in the checkout)")
	flags.IntVar(&opts.Port, "port", opts.Port, "port of the page and the API (default 8080)")
	flags.IntVar(&opts.AWSPort, "aws-port", opts.AWSPort, "port of the embedded AWS (default 4566)")
	flags.IntVar(&opts.EnginePort, "engine-port", opts.EnginePort, "port of the engine (default 8181)")
	flags.IntVar(&opts.ValkeyPort, "valkey-port", opts.ValkeyPort, "port of Valkey (default 6390)")
	flags.BoolVar(&opts.FreePorts, "free-ports", false, "use any free port where none is given")
	flags.BoolVar(&opts.WithoutFleet, "without-fleet", false, "leave worker and relay out")
	flags.BoolVar(&opts.DynamoDB, "dynamodb", false, "start an exact DynamoDB for tests too (DYNAMODB_URL)")
	flags.StringVar(&opts.Calls, "calls", "", "write what functions, worker and relay ask of AWS to this file in the end")
	flags.Func("parameter", "of the template, as `Name=value`; may be given several times", func(text string) error {
		if name, _, ok := strings.Cut(text, "="); !ok || name == "" {
			return errors.New("want Name=value")
		}
		opts.Parameters = append(opts.Parameters, text)
		return nil
	})
	err = flags.Parse(args)
	return opts, flags.Args(), err
}

// runCommand runs a command beside the stack, until it ends or the stack does.
func runCommand(parley *stack.Stack, argv []string) (int, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), parley.Env()...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var err error
	select {
	case err = <-ended:
	case <-parley.Done():
		cmd.Process.Signal(syscall.SIGTERM)
		err = <-ended
	}
	if died := parley.Err(); died != nil && !errors.Is(died, context.Canceled) {
		return 1, died
	}
	return exitCode(cmd, err)
}

// exitCode is the command's; 128 and the signal when one ended it.
func exitCode(cmd *exec.Cmd, err error) (int, error) {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 1, err
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return cmd.ProcessState.ExitCode(), nil
}
