package stack

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// ownGroup also has the kernel end the child when the thread that started it
// ends: by SIGTERM, so that the embedded AWS still saves what it has.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
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

func startOnLastingThread(cmd *exec.Cmd) error {
	result := make(chan error)
	starter() <- func() { result <- cmd.Start() }
	return <-result
}
