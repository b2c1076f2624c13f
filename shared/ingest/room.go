package ingest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Names of what rooms leave in a folder for temporary files.
const (
	roomPrefix = "parley-room-"
	roomLock   = "parley-rooms" // held while one is looked for or made
)

// Room is a folder for temporary files that belongs to one process, for as long as
// that has the Room. However the process ends, the next one to open a room beside it
// removes it.
type Room struct {
	Path string
	lock *os.File // of the folder itself: held as long as the process lives
}

// OpenRoom makes a room in the folder base, and removes those of processes that have
// ended.
func OpenRoom(base string) (*Room, error) {
	door, err := locked(filepath.Join(base, roomLock), os.O_CREATE|os.O_RDWR, syscall.LOCK_EX)
	if err != nil {
		return nil, fmt.Errorf("open a room: %w", err)
	}
	defer door.Close()
	if err := clearRooms(base); err != nil {
		return nil, fmt.Errorf("clear left rooms: %w", err)
	}
	path, err := os.MkdirTemp(base, roomPrefix+"*")
	if err != nil {
		return nil, fmt.Errorf("open a room: %w", err)
	}
	lock, err := locked(path, os.O_RDONLY, syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock a room: %w", err), os.Remove(path))
	}
	return &Room{Path: path, lock: lock}, nil
}

// Close removes the room.
func (r *Room) Close() error { return errors.Join(os.RemoveAll(r.Path), r.lock.Close()) }

// clearRooms removes the rooms that nobody holds.
func clearRooms(base string) error {
	rooms, err := filepath.Glob(filepath.Join(base, roomPrefix+"*"))
	if err != nil {
		return err
	}
	for _, path := range rooms {
		lock, err := locked(path, os.O_RDONLY, syscall.LOCK_EX|syscall.LOCK_NB)
		if err != nil {
			continue // somebody's, of this user or another
		}
		err = os.RemoveAll(path)
		if err := errors.Join(err, lock.Close()); err != nil {
			return err
		}
	}
	return nil
}

// locked opens a file or folder and locks it. The lock ends with the process; its
// children don't inherit it.
func locked(path string, flag, how int) (*os.File, error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return f, nil
}
