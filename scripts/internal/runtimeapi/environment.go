package runtimeapi

import (
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
	"time"

	"parley/fleet/child"
)

// Spec is what an environment is started from.
type Spec struct {
	Binary string    // path of the compiled function
	Env    []string  // "K=V": the function's variables, added to those that Lambda sets
	Log    io.Writer // what the function prints; nil for nowhere
	// Timeout is how long one event may take; 10 s if zero.
	Timeout time.Duration
}

// ErrDied reports that the function's process ended before it answered.
var ErrDied = errors.New("the function's process has ended")

// A FunctionError is a failure that the function reported itself.
type FunctionError struct {
	Init    bool // it failed before it asked for its first event
	Payload []byte
}

// Error shows what the function said.
func (e *FunctionError) Error() string {
	return fmt.Sprintf("function failed: %.500s", e.Payload)
}

// Environment is one process of a function and the Runtime API that it talks to.
type Environment struct {
	spec   Spec
	cmd    *exec.Cmd
	server *http.Server
	began  time.Time

	busy    sync.Mutex // one event at a time
	events  chan invocation
	ready   chan struct{} // closed when the function has asked for its first event
	isReady sync.Once
	initial time.Duration
	died    chan struct{} // closed when the process has ended

	mu      sync.Mutex
	current *invocation // handed out, not answered
	failure error       // init/error
}

// Start starts a function. Close must be called in the end.
func Start(spec Spec) (*Environment, error) {
	if spec.Timeout == 0 {
		spec.Timeout = 10 * time.Second
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for a function: %w", err)
	}
	e := &Environment{spec: spec, events: make(chan invocation), ready: make(chan struct{}), died: make(chan struct{})}
	e.server = &http.Server{Handler: e.routes(), ReadHeaderTimeout: 5 * time.Second}
	e.cmd = exec.Command(spec.Binary)
	e.cmd.Env = append(lambdaEnv(spec.Binary, listener.Addr().String()), spec.Env...)
	e.cmd.Stdout, e.cmd.Stderr = spec.Log, spec.Log
	e.began = time.Now()
	go e.server.Serve(listener) // ends with Close
	if err := child.Start(e.cmd); err != nil {
		e.server.Close()
		return nil, fmt.Errorf("start %s: %w", spec.Binary, err)
	}
	go func() {
		e.cmd.Wait() // how it ended matters to nobody: Invoke reports that it did
		close(e.died)
	}()
	return e, nil
}

// lambdaEnv is what Lambda sets for a function; nothing of this process's own
// environment gets through.
func lambdaEnv(binary, api string) []string {
	return []string{
		"AWS_LAMBDA_RUNTIME_API=" + api,
		"AWS_LAMBDA_FUNCTION_NAME=" + filepath.Base(binary), "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/function", "AWS_LAMBDA_LOG_STREAM_NAME=local",
		"AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023", "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		"LAMBDA_TASK_ROOT=/var/task", "_HANDLER=bootstrap", "LANG=en_US.UTF-8", "TZ=:UTC", "PATH=/usr/local/bin:/usr/bin:/bin",
	}
}

// Ready waits until the function asks for its first event and returns how long
// that took from the start of its process.
func (e *Environment) Ready(ctx context.Context) (time.Duration, error) {
	select {
	case <-e.ready:
		return e.initial, nil
	case <-e.died:
		return 0, e.deathCause()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// deathCause is what the function said before it ended, or ErrDied.
func (e *Environment) deathCause() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failure != nil {
		return e.failure
	}
	return ErrDied
}

// Kill ends the process as a lost machine would, and returns when it is gone.
func (e *Environment) Kill() {
	e.cmd.Process.Kill() // fails only if it has ended already
	<-e.died
}

// Signal sends the process a signal.
func (e *Environment) Signal(s os.Signal) error { return e.cmd.Process.Signal(s) }

// PID is the process's id.
func (e *Environment) PID() int { return e.cmd.Process.Pid }

// Died is closed when the process has ended.
func (e *Environment) Died() <-chan struct{} { return e.died }

// Close ends process and server.
func (e *Environment) Close() {
	e.Kill()
	e.server.Close()
}
