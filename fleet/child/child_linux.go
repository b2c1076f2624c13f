package child

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// Start starts cmd in a process group of its own, so that a Ctrl-C at the terminal
// doesn't reach it before its turn, and has the kernel end it by SIGTERM when this
// process dies.
func Start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	result := make(chan error)
	starter() <- func() { result <- cmd.Start() }
	return <-result
}

// starter is the one thread that starts children. It never ends before this
// process does: Pdeathsig counts from the thread, not from the process.
var starter = sync.OnceValue(func() chan<- func() {
	jobs := make(chan func())
	go func() {
		runtime.LockOSThread()
		for job := range jobs {
			job()
		}
	}()
	return jobs
})
