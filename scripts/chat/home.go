package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// vault keeps the refresh token of one Parley in a file that only its user can
// read. Two terminals take turns by a lock on a file beside it, because a
// refresh token that is used twice ends the session.
type vault struct{ file string }

var unsafeInName = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// openVault finds the file for the Parley at url and makes its folder.
func openVault(url string) (*vault, error) {
	home := os.Getenv("PARLEY_HOME")
	if home == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return nil, fmt.Errorf("there is no folder for the session, set PARLEY_HOME: %w", err)
		}
		home = filepath.Join(config, "parley")
	}
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, fmt.Errorf("the folder for the session: %w", err)
	}
	_, host, _ := strings.Cut(strings.TrimRight(url, "/"), "://")
	return &vault{file: filepath.Join(home, "session-"+unsafeInName.ReplaceAllString(host, "_"))}, nil
}

// Rotate implements client.Vault.
func (v *vault) Rotate(ctx context.Context, exchange func(string) (string, error)) error {
	unlock, err := v.lock(ctx)
	if err != nil {
		return fmt.Errorf("the session's lock: %w", err)
	}
	defer unlock()
	old, err := os.ReadFile(v.file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the session: %w", err)
	}
	token, err := exchange(strings.TrimSpace(string(old)))
	if err != nil {
		return err
	}
	return v.write(token)
}

// lock waits until no other process has the lock. The kernel drops the lock of
// a process that dies.
func (v *vault) lock(ctx context.Context) (unlock func(), err error) {
	f, err := os.OpenFile(v.file+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil // which unlocks it
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		}
	}
}

// write replaces the file at once, so that a crash leaves the old or the new
// token; an empty token removes it.
func (v *vault) write(token string) error {
	if token == "" {
		if err := os.Remove(v.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the session: %w", err)
		}
		return nil
	}
	temporary := v.file + ".new"
	if err := os.WriteFile(temporary, []byte(token+"\n"), 0o600); err != nil {
		return fmt.Errorf("the session: %w", err)
	}
	if err := os.Rename(temporary, v.file); err != nil {
		return fmt.Errorf("the session: %w", err)
	}
	return nil
}
