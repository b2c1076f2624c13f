package extract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley/shared/extract/child"
)

// Names of files that make a child of these tests one that doesn't read them.
const (
	tellsAll = "tells what it was given"
	hangs    = "writes its id to the declared type, and hangs"
)

// orphaned is set in a process that starts a child and waits for it.
const orphaned = "EXTRACT_TEST_ORPHANED"

// pretend makes of this process what a test needs, if it was started for that.
func pretend() {
	if file := os.Getenv(orphaned); file != "" {
		_, err := Runner{}.Run(context.Background(), os.Args[0], hangs, file)
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if os.Args[0] != childName {
		return
	}
	var job child.Job
	if err := json.Unmarshal([]byte(os.Args[1]), &job); err != nil {
		os.Exit(2)
	}
	switch job.Name {
	case tellsAll:
		fmt.Fprintln(os.Stderr, os.Environ(), syscall.Getpgrp() == os.Getpid())
		os.Exit(1)
	case hangs:
		if err := os.WriteFile(job.Declared+".new", []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
			os.Exit(2)
		}
		if err := os.Rename(job.Declared+".new", job.Declared); err != nil {
			os.Exit(2)
		}
		time.Sleep(time.Hour)
	}
}

// The function's environment has keys to everything that it may do.
func TestAChildKnowsNoSecrets(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	res := read(t, Runner{}, tellsAll, "text")
	if got := strings.TrimSpace(res.Cause); got != "[GOTRACEBACK=none] true" {
		t.Errorf("environment, and whether it leads its process group: %s", got)
	}
	noted(t, res, unknown, "unreadable")
}

// waitFor returns what is written to a file, as soon as there is something.
func waitFor(t *testing.T, path string) int {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if id, err := os.ReadFile(path); err == nil {
			n, err := strconv.Atoi(string(id))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no child")
	return 0
}

// gone fails t unless a process ends.
func gone(t *testing.T, id int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if errors.Is(syscall.Kill(id, 0), syscall.ESRCH) || zombie(id) {
			return
		}
	}
	t.Errorf("child %d lives on", id)
}

// zombie says whether a process has ended that nobody has asked after yet.
func zombie(id int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestACallThatIsGivenUpEndsItsChild(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	path := filepath.Join(t.TempDir(), "id")
	ended := make(chan error)
	go func() {
		_, err := Runner{}.Run(ctx, os.Args[0], hangs, path)
		ended <- err
	}()
	id := waitFor(t, path)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	gone(t, id)
}

func TestAChildDiesWithItsParent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "id")
	parent := exec.Command(os.Args[0])
	parent.Env = []string{orphaned + "=" + path}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	id := waitFor(t, path)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := parent.Wait(); err == nil {
		t.Error("the parent ended well")
	}
	gone(t, id)
}
