package routertest

import "syscall"

// dieWithParent has the kernel end a program with whoever started it.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
