package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"parley/fleet/child"
)

// part is a program of the run that can be killed and started again.
type part struct {
	name string
	argv []string
	env  []string // "K=V"
	dir  string
	logs string             // folder of <name>.log, where its output goes
	line func(string)       // gets its standard output line by line instead; may be nil
	died func(which string) // is told when it ends by itself; it is started again

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan struct{}
	asked bool // to end
}

// start starts the program.
func (p *part) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	log, err := os.OpenFile(filepath.Join(p.logs, p.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(p.argv[0], p.argv[1:]...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = p.env, p.dir, log, log
	var out io.ReadCloser
	if p.line != nil {
		cmd.Stdout = nil
		if out, err = cmd.StdoutPipe(); err != nil {
			return err
		}
	}
	if err := child.Start(cmd); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.cmd, p.ended, p.asked = cmd, make(chan struct{}), false
	go p.follow(cmd, out, p.ended)
	return nil
}

// follow reads what the program says and waits for its end.
func (p *part) follow(cmd *exec.Cmd, out io.Reader, ended chan struct{}) {
	if out != nil {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.line(lines.Text())
		}
	}
	cmd.Wait() // how it ended is in its state
	p.mu.Lock()
	asked := p.asked
	p.mu.Unlock()
	close(ended)
	if !asked {
		p.died(fmt.Sprintf("%s ended by itself: %s", p.name, cmd.ProcessState))
		p.start()
	}
}

// end sends the program a signal and waits until it has ended, but kills it after
// patience.
func (p *part) end(s syscall.Signal, patience time.Duration) *os.ProcessState {
	p.mu.Lock()
	cmd, ended := p.cmd, p.ended
	p.asked = true
	p.mu.Unlock()
	if cmd == nil {
		return nil
	}
	cmd.Process.Signal(s) // fails only if it has ended
	kill := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer kill.Stop()
	<-ended
	return cmd.ProcessState
}

// kill ends the program as a lost machine would.
func (p *part) kill() { p.end(syscall.SIGKILL, time.Second) }

// answers waits until a GET of url brings 200.
func answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, fmt.Errorf("%s doesn't answer", url))
	defer cancel()
	return poll(ctx, func() bool {
		resp, err := http.Get(url)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// listens waits until something listens at addr.
func listens(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 20*time.Second, errors.New("nothing listens at "+addr))
	defer cancel()
	return poll(ctx, func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

func poll(ctx context.Context, done func() bool) error {
	for !done() {
		if sleep(ctx, 50*time.Millisecond) != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// sleep returns the context's error if that ends before d is over.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
