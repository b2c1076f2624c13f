package stack

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// A Stack is a running Parley.
type Stack struct {
	opts    Options
	keep    *keeper
	cloud   cloud
	ctx     context.Context
	secret  string
	outputs map[string]string

	unlock   func()
	calls    *calls // nil where they aren't recorded
	dynamoDB string // address of the tests' DynamoDB, if there is one
}

// Start brings everything up and returns when Parley is ready to serve. What
// it had started is stopped again when it fails, or when ctx ends meanwhile.
func Start(ctx context.Context, opts Options) (*Stack, error) {
	if err := opts.complete(); err != nil {
		return nil, err
	}
	s := &Stack{opts: opts, cloud: cloud{"http://" + loopback(opts.AWSPort), opts.Region}}
	if err := s.recordCalls(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.logDir(), 0o700); err != nil {
		return nil, err
	}
	unlock, err := lock(filepath.Join(opts.Data, "lock"))
	if err != nil {
		return nil, err
	}
	s.unlock = unlock
	s.ctx, s.keep = newKeeper(ctx, s.logDir())
	if s.secret, err = readSecret(filepath.Join(opts.Data, "edge-secret")); err != nil {
		s.Stop()
		return nil, err
	}
	if err := s.up(s.ctx); err != nil {
		defer s.Stop()
		if s.ctx.Err() != nil { // a part died, or the caller gave up: that is the reason
			return nil, context.Cause(s.ctx)
		}
		return nil, err
	}
	return s, nil
}

// A part is started by what up calls it.
type part struct {
	name  string
	start func(context.Context) error
}

// up starts the parts in the order in which they need each other.
func (s *Stack) up(ctx context.Context) error {
	parts := []part{{"embedded AWS is up", s.startCloud}, {"valkey is up", s.startValkey}, {"engine is up", s.startEngine}}
	if s.opts.WithoutEngine {
		parts = parts[:1]
	}
	for _, part := range parts {
		if err := s.step(part.name, func() error { return part.start(ctx) }); err != nil {
			return err
		}
	}
	if s.opts.DynamoDB {
		if err := s.step("dynamodb for tests is up", func() error { return s.startDynamoDB(ctx) }); err != nil {
			return err
		}
	}
	if err := s.deploy(ctx); err != nil {
		return err
	}
	if err := s.nameCalls(ctx); err != nil {
		return err
	}
	if err := s.signingKey(ctx); err != nil {
		return err
	}
	if s.opts.WithoutFleet {
		return nil
	}
	return s.fleetUp(ctx)
}

// signingKey calls the function that makes a key to sign tokens with, in place
// of its schedule: nobody wants to wait an hour for the first one.
func (s *Stack) signingKey(ctx context.Context) error {
	rotate := s.outputs["RotateKeysFunctionName"]
	if rotate == "" {
		return nil
	}
	return s.step("signing key is there", func() error {
		if err := s.cloud.invoke(ctx, rotate); err != nil {
			return fmt.Errorf("no signing key could be made: %w", err)
		}
		return nil
	})
}

// fleetUp builds and starts the fleet.
func (s *Stack) fleetUp(ctx context.Context) error {
	if err := s.step("fleet built", func() error { return s.fleetBuild(ctx) }); err != nil {
		return err
	}
	return s.step("fleet is up", func() error {
		if err := s.startWorker(ctx); err != nil {
			return err
		}
		return s.startRelay(ctx)
	})
}

// URL is the front door's address.
func (s *Stack) URL() string { return "http://" + loopback(s.opts.Port) }

// Outputs are those of template.yaml, by their names in it.
func (s *Stack) Outputs() map[string]string { return s.outputs }

// Done is closed when the stack is no longer whole: a part died, the context
// of Start ended, or Stop was called. Err then says which.
func (s *Stack) Done() <-chan struct{} { return s.ctx.Done() }

// Err is nil while the stack is whole.
func (s *Stack) Err() error { return context.Cause(s.ctx) }

// Stop ends every part, in the reverse order, and returns when all are gone.
func (s *Stack) Stop() {
	s.keep.stop()
	s.saveCalls()
	s.unlock()
}

// step runs do and reports how long it took.
func (s *Stack) step(name string, do func() error) error {
	began := time.Now()
	if err := do(); err != nil {
		return err
	}
	fmt.Fprintf(s.opts.Progress, "%6.1f s  %s\n", time.Since(began).Seconds(), name)
	return nil
}

func (s *Stack) logDir() string { return s.folder("log") }

func (s *Stack) folder(name string) string { return filepath.Join(s.opts.Data, name) }

// emptyFolder removes what a folder of the data folder holds.
func (s *Stack) emptyFolder(name string) (string, error) {
	dir := s.folder(name)
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o700)
}

// waitForValkey waits until the server answers a PING (while it reads its
// log it answers with an error).
func waitForValkey(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, fmt.Errorf("valkey does not answer at %s", addr))
	defer cancel()
	for !pings(addr) {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

func pings(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	return err == nil && line == "+PONG\r\n"
}
