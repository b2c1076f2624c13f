package extract

import (
	"os/exec"
	"syscall"
)

// confine has cmd run in a process group of its own, killed as a whole, and killed
// by the kernel as well when this process dies.
func confine(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// memory is the most that a process held, in bytes: Linux counts in KiB.
func memory(usage *syscall.Rusage) int64 { return usage.Maxrss << 10 }
