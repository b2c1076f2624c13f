package child

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// allowed are the calls to the kernel that are left to a child once it begins to
// read: those of Go's runtime, and to read and write what is open. To open, connect,
// execute, signal or look into other processes isn't among them: not even the
// parent's environment, which Linux shows to every process of its user. Some are
// left only in part (guarded).
var allowed = []uint32{
	unix.SYS_READ, unix.SYS_PREAD64, unix.SYS_READV, unix.SYS_WRITE, unix.SYS_WRITEV, unix.SYS_LSEEK, unix.SYS_FSTAT,
	unix.SYS_CLOSE, unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
	unix.SYS_MMAP, unix.SYS_MUNMAP, unix.SYS_MPROTECT, unix.SYS_MADVISE, unix.SYS_MINCORE, unix.SYS_BRK,
	unix.SYS_FUTEX, unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ, unix.SYS_GETTID, unix.SYS_GETPID,
	unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_CLOCK_GETTIME,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK, unix.SYS_RESTART_SYSCALL,
	unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_EVENTFD2, unix.SYS_GETRANDOM,
	unix.SYS_SETITIMER, unix.SYS_TIMER_CREATE, unix.SYS_TIMER_SETTIME, unix.SYS_TIMER_DELETE,
}

var architectures = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// Offsets into what the kernel shows to a filter of calls.
const (
	offsetCall         = 0
	offsetArchitecture = 4
	offsetFirst        = 16 // argument, its lower half
	offsetSecond       = 24
)

// What an instruction of a filter does.
const (
	load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	above = unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K
	has   = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	give  = unix.BPF_RET | unix.BPF_K
)

var (
	granted = unix.SockFilter{Code: give, K: unix.SECCOMP_RET_ALLOW}
	denied  = unix.SockFilter{Code: give, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)}
	absent  = unix.SockFilter{Code: give, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)}
)

// guarded are the calls that are left for one use: to make threads but no processes,
// which would have limits of their own; to signal this process; and to look at a
// descriptor's flags but not to have the kernel signal somebody when it is ready.
// What clone3 is to make lies in memory, where no filter sees it; libraries take
// clone where there is none.
func guarded() map[uint32][]unix.SockFilter {
	return map[uint32][]unix.SockFilter{
		unix.SYS_CLONE:  {{Code: load, K: offsetFirst}, {Code: has, K: unix.CLONE_THREAD, Jt: 1}, denied, granted},
		unix.SYS_CLONE3: {absent},
		unix.SYS_TGKILL: {{Code: load, K: offsetFirst}, {Code: equal, K: uint32(os.Getpid()), Jt: 1}, denied, granted},
		unix.SYS_FCNTL:  {{Code: load, K: offsetSecond}, {Code: above, K: unix.F_SETFL, Jf: 1}, denied, granted},
	}
}

// lock takes all other calls from all threads of this process, for good: they fail
// for want of permission.
func lock() error {
	architecture, ok := architectures[runtime.GOARCH]
	if !ok {
		return fmt.Errorf("no filter of calls for %s", runtime.GOARCH)
	}
	filter := []unix.SockFilter{
		{Code: load, K: offsetArchitecture},
		{Code: equal, K: architecture, Jt: 1},
		denied,
		{Code: load, K: offsetCall},
	}
	for call, rest := range guarded() {
		filter = append(append(filter, unix.SockFilter{Code: equal, K: call, Jf: uint8(len(rest))}), rest...)
	}
	for i, call := range allowed {
		filter = append(filter, unix.SockFilter{Code: equal, K: call, Jt: uint8(len(allowed) - i)}) // to the last
	}
	filter = append(filter, denied, granted)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return os.NewSyscallError("seccomp", errno)
	}
	if thread != 0 {
		return fmt.Errorf("thread %d has another filter of calls", thread)
	}
	return nil
}
