package fleettest

import (
	"os/exec"
	"sync"
	"testing"

	"parley/fleet/child"
)

// process is a program that a test kills and starts again.
type process struct {
	mu  sync.Mutex
	cmd *exec.Cmd
}

// start starts cmd and returns when ready does.
func (p *process) start(t testing.TB, cmd *exec.Cmd, ready func()) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := child.Start(cmd); err != nil {
		t.Fatal(err)
	}
	p.cmd = cmd
	ready()
}

// Kill ends it by SIGKILL and with it all that it held.
func (p *process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill() // it may have ended already
	_ = p.cmd.Wait()         // reports the kill
	p.cmd = nil
}
