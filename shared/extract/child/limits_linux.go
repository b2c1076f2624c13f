package child

import (
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// maxFiles is how many files a child may have open.
const maxFiles = 64

// maxCompiled is how large the file of the compiled PDFium may be, in bytes.
const maxCompiled = 256 << 20

// limit takes from this process what it doesn't need. Only the child that prepares,
// which reads nobody's file, may write one.
func limit(job Job) error {
	limits := map[int]uint64{
		unix.RLIMIT_CORE:   0,
		unix.RLIMIT_NOFILE: maxFiles,
		unix.RLIMIT_FSIZE:  0,
		unix.RLIMIT_DATA:   uint64(job.Memory),
	}
	if job.Prepare {
		limits[unix.RLIMIT_FSIZE] = maxCompiled
	}
	if raceDetector {
		delete(limits, unix.RLIMIT_DATA) // it maps many times what the program has
	}
	for what, most := range limits {
		if err := unix.Setrlimit(what, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return fmt.Errorf("limit %d to %d: %w", what, most, err)
		}
	}
	if err := limitTime(uint64(job.CPU)); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up new privileges: %w", os.NewSyscallError("prctl", err))
	}
	return nil
}

// limitTime has this process end itself after so many seconds of processor time, by
// a signal, or else be killed one second later.
func limitTime(most uint64) error {
	spent := make(chan os.Signal, 1)
	signal.Notify(spent, unix.SIGXCPU)
	go func() {
		<-spent
		os.Exit(Spent)
	}()
	if err := unix.Setrlimit(unix.RLIMIT_CPU, &unix.Rlimit{Cur: most, Max: most + 1}); err != nil {
		return fmt.Errorf("limit processor time to %d s: %w", most, err)
	}
	return nil
}
