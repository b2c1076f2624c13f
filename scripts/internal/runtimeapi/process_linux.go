package runtimeapi

import "syscall"

// dieWithParent has the kernel end a function with the test that started it. It
// counts from the thread, so a function may also end a little early with a
// thread that Go gives up, which it only does with locked ones.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
