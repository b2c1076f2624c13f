package stack

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"parley/fleet/child"
)

// A program is what a process is started from.
type program struct {
	name string // also of its log: <name>.log
	argv []string
	env  []string // "K=V", all of its environment
	dir  string
	// grace is how long the program may take to stop by itself.
	grace time.Duration
}

// A process is a program that runs, in a process group of its own so that a
// Ctrl-C at the terminal doesn't reach it before its turn.
type process struct {
	program
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended
}

// start runs p with its output going to a log in logDir.
func start(p program, logDir string) (*process, error) {
	log := filepath.Join(logDir, p.name+".log")
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(p.argv[0], p.argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, out, out
	cmd.Env = p.env
	if err := child.Start(cmd); err != nil {
		return nil, fmt.Errorf("%s did not start: %w", p.name, err)
	}
	proc := &process{program: p, cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		cmd.Wait() // how it ended is in cmd.ProcessState
		close(proc.done)
	}()
	return proc, nil
}

// stop asks the process to end, and after its grace kills it with all that it
// started itself. It returns when nothing of it is left.
func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(p.grace):
	}
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

// ended says how the process came to its end, for a reader who didn't want it.
func (p *process) ended() error {
	return fmt.Errorf("%s ended unexpectedly (%s); its log is %s", p.name, p.cmd.ProcessState, p.log)
}
