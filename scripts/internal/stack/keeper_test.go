package stack

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shell is a program that runs a script in a test's folder.
func shell(t *testing.T, name, script string) program {
	t.Helper()
	return program{name: name, argv: []string{"sh", "-c", script}, env: os.Environ(), dir: t.TempDir(), grace: 300 * time.Millisecond}
}

func TestDeathIsReportedByNameAndLog(t *testing.T) {
	ctx, k := newKeeper(t.Context(), t.TempDir())
	defer k.stop()
	if err := k.run(ctx, shell(t, "flower", "exit 3"), "", 0); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("nobody noticed the death")
	}
	err := context.Cause(ctx)
	if err == nil || !strings.Contains(err.Error(), "flower") || !strings.Contains(err.Error(), filepath.Join(k.logDir, "flower.log")) {
		t.Errorf("cause %v, want one that names flower and its log", err)
	}
}

func TestDeathBeforeReadyEndsTheWait(t *testing.T) {
	ctx, k := newKeeper(t.Context(), t.TempDir())
	defer k.stop()
	free, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	err = k.run(ctx, shell(t, "flower", "exit 3"), "http://"+loopback(free), time.Minute)
	if err == nil || time.Since(began) > 10*time.Second {
		t.Errorf("run = %v after %s", err, time.Since(began))
	}
}

func TestStopLeavesNothing(t *testing.T) {
	ctx, k := newKeeper(t.Context(), t.TempDir())
	p := shell(t, "stubborn", "trap '' TERM; sleep 60 & echo $! >child; echo $$ >self; wait; sleep 60")
	if err := k.run(ctx, p, "", 0); err != nil {
		t.Fatal(err)
	}
	self, child := readPID(t, p.dir, "self"), readPID(t, p.dir, "child")
	k.stop()
	for _, pid := range []int{self, child} {
		if alive(pid) {
			t.Errorf("process %d outlived stop", pid)
		}
	}
	if !errors.Is(context.Cause(ctx), errStopped) {
		t.Errorf("cause %v, want errStopped", context.Cause(ctx))
	}
	if err := k.run(ctx, p, "", 0); !errors.Is(err, errStopped) {
		t.Errorf("run after stop = %v, want errStopped", err)
	}
}

func TestStopIsInReverseOrder(t *testing.T) {
	ctx, k := newKeeper(t.Context(), t.TempDir())
	file := filepath.Join(t.TempDir(), "order")
	for _, name := range []string{"first", "second", "third"} {
		p := shell(t, name, "trap 'echo "+name+" >>"+file+"; exit' TERM; touch ready; while :; do sleep 0.02; done")
		p.grace = 10 * time.Second
		if err := k.run(ctx, p, "", 0); err != nil {
			t.Fatal(err)
		}
		waitForFile(t, filepath.Join(p.dir, "ready"))
	}
	k.stop()
	got, err := os.ReadFile(file)
	if err != nil || string(got) != "third\nsecond\nfirst\n" {
		t.Errorf("stopped in the order %q, %v", got, err)
	}
}

// alive tells whether a process runs; one that ended but that nobody has
// waited for yet (an orphan's new parent is slow) doesn't.
func alive(pid int) bool {
	for range 50 {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err == nil && strings.Contains(string(stat), ") Z ") || syscall.Kill(pid, 0) != nil {
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
	return true
}

func readPID(t *testing.T, dir, name string) int {
	t.Helper()
	file := filepath.Join(dir, name)
	waitForFile(t, file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func waitForFile(t *testing.T, file string) {
	t.Helper()
	for range 500 {
		if info, err := os.Stat(file); err == nil && (info.Size() > 0 || filepath.Base(file) == "ready") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s did not appear", file)
}
