package extract

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"parley/shared/extract/child"
)

// childName is the name by which a child knows itself. No program is called so.
const childName = "parley-reads-a-file"

// Child ends this process as a child of a Runner, if it is one: it reads one file
// and exits. In any other process it returns at once. A program that uses Runner
// calls it before anything else.
func Child() {
	if len(os.Args) == 2 && os.Args[0] == childName {
		os.Exit(child.Main(os.Args[1]))
	}
}

// end is how a child ended.
type end struct {
	output   []byte // what it answered
	overrun  bool   // it answered more than it may
	late     bool   // it ran for longer than it may
	spent    bool   // it used more processor time than it may
	signaled bool   // something else killed it
	exit     int
	words    string // how its complaint begins
	cost     Cost
}

// start runs a child over in, if it needs a file, and waits for its end. The child gets nothing of this
// process but the file, a pipe for its answer and one for its complaint.
func (r Runner) start(ctx context.Context, in *os.File, job child.Job) (end, error) {
	told, err := json.Marshal(job)
	if err != nil {
		return end{}, fmt.Errorf("tell a child its job: %w", err)
	}
	limited, cancel := context.WithTimeout(ctx, r.Wall)
	defer cancel()
	out := &bounded{room: r.Output, full: cancel}
	words := &bounded{room: 4 << 10, full: func() {}}
	cmd := exec.CommandContext(limited, r.Program)
	cmd.Args = []string{childName, string(told)}
	cmd.Env = []string{"GOTRACEBACK=none"} // not this process's: it has secrets
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = out, words
	if in != nil {
		cmd.ExtraFiles = []*os.File{in}
	}
	cmd.WaitDelay = time.Second
	confine(cmd)

	began := time.Now()
	if err := wait(cmd); err != nil {
		return end{}, err
	}
	if err := ctx.Err(); err != nil {
		return end{}, fmt.Errorf("read a file: %w", err)
	}
	done := end{output: out.kept.Bytes(), overrun: out.overrun.Load(), words: words.kept.String()}
	done.late = limited.Err() != nil && !done.overrun
	done.see(cmd.ProcessState, job)
	done.cost.Wall = time.Since(began)
	return done, nil
}

// wait runs cmd to its end. An error says that it didn't begin; how it ended is in
// cmd.ProcessState. It keeps its thread: the kernel kills the child when the thread
// that started it ends.
func wait(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	if cmd.ProcessState == nil {
		if err == nil {
			err = errors.New("no such process")
		}
		return fmt.Errorf("start the process that reads files: %w", err)
	}
	return nil
}

// see notes what the kernel knows of a child's end.
func (e *end) see(state *os.ProcessState, job child.Job) {
	e.exit = state.ExitCode()
	e.cost.CPU = state.UserTime() + state.SystemTime()
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		e.cost.Memory = memory(usage)
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok {
		e.signaled = status.Signaled()
		// The kernel kills by another count of processor time than this one.
		e.spent = e.exit == child.Spent || e.signaled && !e.late && e.cost.CPU > time.Duration(job.CPU)*time.Second*3/4
	}
}

// tooMuch says whether a child ended because it wanted more memory than there is.
// A kill that nobody here ordered is the kernel's, which has none left.
func (e end) tooMuch() bool {
	return e.overrun || e.signaled || strings.Contains(e.words, "out of memory") ||
		strings.Contains(e.words, "cannot allocate memory") || strings.Contains(e.words, "stack exceeds")
}

// bounded keeps what is written to it until its room is full, and says so once. It
// is a Writer alone: a Buffer's other methods would pass by its bound.
type bounded struct {
	kept    bytes.Buffer
	room    int64
	overrun atomic.Bool
	full    func()
}

// Write takes all of p, so that a child that writes too much is told by a kill and
// not by a pipe that it could wait at for ever.
func (b *bounded) Write(p []byte) (int, error) {
	keep := min(int64(len(p)), b.room-int64(b.kept.Len()))
	b.kept.Write(p[:keep])
	if keep < int64(len(p)) && !b.overrun.Swap(true) {
		b.full()
	}
	return len(p), nil
}

// mine says whether a file belongs to this process's user.
func mine(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}
