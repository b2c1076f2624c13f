//go:build !linux

package child

import (
	"os/exec"
	"syscall"
)

// Start starts cmd in a process group of its own, so that a Ctrl-C at the terminal
// doesn't reach it before its turn.
func Start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd.Start()
}
