package rig

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"parley/fleet/child"
	"parley/scripts/internal/ledger"
)

// Member is a process of the fleet with recorders of its own.
type Member struct {
	AWS    *ledger.Recorder
	Valkey *ledger.Wire
	URL    string // where it listens

	cmd *exec.Cmd
}

// Worker starts fleet/worker at an engine of that URL; Relay starts fleet/relay.
// They end with the rig. Usage records don't wait long for company here.
func (r *Rig) Worker(ctx context.Context, engine string, env ...string) (*Member, error) {
	return r.member(ctx, "worker", append([]string{"ENGINE_URL=" + engine, "USAGE_EVERY=100ms"}, env...)...)
}

// Relay starts fleet/relay.
func (r *Rig) Relay(ctx context.Context, env ...string) (*Member, error) {
	return r.member(ctx, "relay", env...)
}

func (r *Rig) member(ctx context.Context, name string, env ...string) (*Member, error) {
	binary := filepath.Join(r.bin, name)
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./fleet/"+name)
	build.Dir = r.root
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	wire, err := ledger.NewWire(r.Services.Valkey, r.opts.Delay)
	if err != nil {
		return nil, err
	}
	m := &Member{AWS: ledger.NewRecorder(r.Services.DynamoDB, r.Services.AWS, r.opts.Delay), Valkey: wire}
	r.later(func(context.Context) error { m.AWS.Close(); wire.Close(); return nil })
	listen, err := freeAddress()
	if err != nil {
		return nil, err
	}
	m.URL = "http://" + listen
	m.cmd = exec.Command(binary)
	m.cmd.Env = append(append(r.environment(m.AWS.URL()), "LISTEN="+listen, "VALKEY_ADDR="+wire.Addr(), "AWS_SDK_UA_APP_ID="+name,
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true"), env...)
	m.cmd.Stdout, m.cmd.Stderr = r.opts.Log, r.opts.Log
	if err := child.Start(m.cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	r.later(func(context.Context) error { m.stop(); return nil })
	return m, m.await(ctx)
}

// stop asks the process to end, and kills it if it takes long.
func (m *Member) stop() {
	m.cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(10*time.Second, func() { m.cmd.Process.Kill() })
	m.cmd.Wait()
	kill.Stop()
}

// Kill ends the process by SIGKILL and returns when it is gone.
func (m *Member) Kill() {
	m.cmd.Process.Kill()
	m.cmd.Wait()
}

// await returns when the process is ready.
func (m *Member) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.URL+"/readyz", nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", m.cmd.Path, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Reset forgets what the process has called.
func (m *Member) Reset() {
	m.AWS.Reset(nil)
	m.Valkey.Reset()
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
