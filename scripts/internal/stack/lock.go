package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lock makes sure that one stack at a time uses a data folder. The kernel
// gives the lock back when this process ends, however it ends.
func lock(file string) (unlock func(), err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another Parley is using %s: stop it, or set DATA_DIR to another folder", filepath.Dir(file))
	}
	return func() { f.Close() }, nil
}
