package child

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// escape is set in a process that locks itself and then tries what a child mustn't.
const escape = "CHILD_TEST_ESCAPE"

func TestMain(m *testing.M) {
	if os.Getenv(escape) != "" {
		if err := tries(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// tries returns what this process can do when it is locked, or what it can't and
// should.
func tries() error {
	parent := os.Getppid()
	if err := lock(); err != nil {
		return err
	}
	for what, try := range map[string]func() error{
		"open a file":                   func() error { _, err := os.Open("/etc/hostname"); return err },
		"write a file":                  func() error { return os.WriteFile("/tmp/escaped", nil, 0o600) },
		"read the parent's environment": func() error { _, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", parent)); return err },
		"connect":                       func() error { _, err := net.Dial("udp", "127.0.0.1:9"); return err },
		"run a program":                 func() error { return syscall.Exec("/bin/true", []string{"true"}, nil) },
		"signal":                        func() error { return syscall.Kill(parent, 0) },
		"signal a thread":               func() error { return unix.Tgkill(parent, parent, 0) },
		"have the kernel signal":        func() error { _, err := unix.FcntlInt(1, unix.F_SETOWN, parent); return err },
		"start a process":               fork,
	} {
		if err := try(); !errors.Is(err, syscall.EPERM) {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	if err := unix.Tgkill(os.Getpid(), unix.Gettid(), 0); err != nil {
		return fmt.Errorf("signal itself, as the runtime does: %w", err)
	}
	if _, err := unix.FcntlInt(1, unix.F_GETFL, 0); err != nil {
		return fmt.Errorf("look at a descriptor: %w", err)
	}
	return work()
}

// fork starts a process, which would have limits of its own.
func fork() error {
	switch pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0); {
	case errno != 0:
		return errno
	case pid == 0:
		syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
	}
	return nil
}

// work has the runtime start threads and collect garbage.
func work() error {
	var all sync.WaitGroup
	sums := make([]int, 50)
	for i := range sums {
		all.Go(func() {
			for range 20 {
				sums[i] += len(make([]byte, 1<<20))
				runtime.Gosched()
			}
		})
	}
	runtime.GC()
	all.Wait()
	if sums[49] != 20<<20 {
		return errors.New("goroutines don't run")
	}
	return nil
}

func TestALockedChildCanOnlyCompute(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), escape+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
