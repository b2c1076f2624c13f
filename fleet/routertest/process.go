package routertest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"

	"parley/fleet/child"
)

// Process is a program that serves HTTP.
type Process struct {
	URL  string // http://127.0.0.1:port
	Port int

	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

type command struct {
	argv, env []string
	port      int
	ready     string // path that answers 200 when it serves
	log       string // file for what it prints; empty: nowhere
}

// start returns when the program serves.
func start(ctx context.Context, c command) (*Process, error) {
	p := &Process{URL: at(c.port), Port: c.port, cmd: exec.Command(c.argv[0], c.argv[1:]...), done: make(chan struct{})}
	p.cmd.Env = c.env
	if c.log != "" {
		f, err := os.Create(c.log)
		if err != nil {
			return nil, err
		}
		defer f.Close() // the program has its own
		p.cmd.Stdout, p.cmd.Stderr = f, f
	}
	if err := child.Start(p.cmd); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // its state says how it ended
		close(p.done)
	}()
	return p, p.await(ctx, c.ready)
}

// await returns when the program answers at that path; one that doesn't is ended.
func (p *Process) await(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		_, err := get(ctx, p.URL+path)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s: %s", p.cmd.Path, p.cmd.ProcessState)
		case <-ctx.Done():
			p.Kill()
			return fmt.Errorf("%s doesn't serve: %w", p.cmd.Path, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Kill ends the program by SIGKILL, with everything that it started, and returns
// when it is gone.
func (p *Process) Kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // it may be gone
	<-p.done
}

// get returns the body of an answer of status 200.
func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, resp.Status)
	}
	return string(body), err
}
