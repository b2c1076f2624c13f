// Chat talks to a running Parley from a terminal; make chat runs it.
//
// Tour, bottom up: home.go keeps the session between runs; input.go and
// console.go read lines, from a terminal with editing and history or from a
// pipe; entry.go signs up or logs in; answer.go shows an answer while it is
// written; files.go sends files, with marks.go to go on where an upload stopped and
// progress.go to see how far it is; search.go finds what was said; talk.go is the
// conversation and its commands.
//
// What a model says is printed without control characters, so that it can't
// steer the terminal.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"parley/scripts/internal/client"
)

const usage = `Usage: chat [--url ADDRESS]

Talks to a running Parley (make run starts one). The first run asks whether to
sign up or to log in; later runs go on with that session.

Lines that begin with / are commands; /help lists them. Ctrl-C stops an answer
or an upload that runs and otherwise leaves, as /quit does. /attach FILE sends a
file to go with the next question; one that was broken off goes on where it
stopped when it is attached again within a day. Standard input may be a pipe:
one question or command a line, the answers go to standard output.

Environment:
  PARLEY_URL   where Parley is (default http://127.0.0.1:8080)
  PARLEY_HOME  folder for session and uploads (default: parley in your configuration folder)

Flags:
`

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, explain(err))
		os.Exit(1)
	}
}

func run() error {
	flags := flag.NewFlagSet("chat", flag.ContinueOnError)
	url := flags.String("url", cmp.Or(os.Getenv("PARLEY_URL"), "http://127.0.0.1:8080"), "where Parley is")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	if err := flags.Parse(os.Args[1:]); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	vault, err := openVault(*url)
	if err != nil {
		return err
	}
	marks, err := openMarks(vault)
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	stop := &stopper{leave: leave}
	go stop.listen(ctx)
	s := &session{
		client:  client.New(*url, vault),
		console: newConsole(ctx, os.Stdin, os.Stdout),
		stop:    stop,
		marks:   marks,
	}
	err = s.run(ctx)
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		return nil
	}
	return err
}

// explain turns an error into a sentence that says what to do.
func explain(err error) string {
	if e, ok := errors.AsType[*client.Unreachable](err); ok {
		return e.Error() + ". Start it with make run, or set PARLEY_URL to where it runs."
	}
	return err.Error()
}

// stopper decides what Ctrl-C means: stop the answer or upload that runs, else leave.
type stopper struct {
	leave func()
	mu    sync.Mutex
	end   func() // stops what runs; nil while nothing does
}

func (s *stopper) listen(ctx context.Context) {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	for {
		select {
		case <-interrupts:
			s.press()
		case <-ctx.Done():
			return
		}
	}
}

// press is one Ctrl-C. A second one while something is being stopped leaves.
func (s *stopper) press() {
	if !s.halt() {
		s.leave()
	}
}

// halt stops what runs, once; false when there is nothing to stop.
func (s *stopper) halt() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end == nil {
		return false
	}
	s.end()
	s.end = nil
	return true
}

// during names what Ctrl-C stops from now on; nil: nothing runs any more.
func (s *stopper) during(end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end = end
}
