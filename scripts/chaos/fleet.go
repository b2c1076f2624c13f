package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"parley/scripts/chaos/plan"
)

// fleet is all the processes of a run.
type fleet struct {
	set    settings
	root   string
	data   string
	bin    string
	parts  map[plan.Part][]*part
	others []*part // that aren't killed
	died   func(string)

	mu     sync.Mutex
	drains []string // parts that didn't end as they were asked to
}

const (
	engines = 2
	relays  = 2
)

// Ports from the first one on.
const (
	portAWS = iota
	portDynamoDB
	portValkey
	portRelay
	portEngine   = portRelay + relays
	portRecorder = portEngine + engines // in front of real engines
)

func (f *fleet) addr(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(f.set.port+port))
}

func (f *fleet) url(port int) string { return "http://" + f.addr(port) }

// newFleet builds the binaries.
func newFleet(ctx context.Context, set settings, root string, died func(string)) (*fleet, error) {
	data, err := filepath.Abs(set.data)
	if err != nil {
		return nil, err
	}
	f := &fleet{set: set, root: root, data: data, bin: filepath.Join(data, "bin"), parts: map[plan.Part][]*part{}, died: died}
	for _, dir := range []string{"log", "valkey", "aws", "tmp"} {
		if err := errors.Join(os.RemoveAll(filepath.Join(data, dir)), os.MkdirAll(filepath.Join(data, dir), 0o700)); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(f.bin, 0o700); err != nil {
		return nil, err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", f.bin, "./fleet/worker", "./fleet/relay", "./fleet/enginetest/cmd")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the fleet: %w\n%s", err, out)
	}
	return f, f.choosePorts()
}

// choosePorts finds a row of free ports. They lie below those that the kernel gives
// to outgoing connections, which would take them while a part is down.
func (f *fleet) choosePorts() error {
	if f.set.port != 0 {
		return f.free()
	}
	var err error
	for f.set.port = 21600; f.set.port < 32000; f.set.port += 16 {
		if err = f.free(); err == nil {
			return nil
		}
	}
	return err
}

// free reports a port that is taken.
func (f *fleet) free() error {
	for port := range portRecorder + engines {
		l, err := net.Listen("tcp", f.addr(port))
		if err != nil {
			return err
		}
		l.Close()
	}
	return nil
}

// run starts a program, whose environment has nothing of this process's that leads
// to an AWS.
func (f *fleet) run(name string, line func(string), env []string, argv ...string) (*part, error) {
	all := slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "AWS_") || strings.HasPrefix(kv, "ENGINE_") })
	p := &part{name: name, argv: argv, env: append(append(all, f.toAWS()...), env...), dir: f.data,
		logs: filepath.Join(f.data, "log"), line: line, died: f.died}
	return p, p.start()
}

// toAWS leads an SDK to the services of the run.
func (f *fleet) toAWS() []string {
	return []string{"AWS_ENDPOINT_URL=" + f.url(portAWS), "AWS_ENDPOINT_URL_DYNAMODB=" + f.url(portDynamoDB),
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull}
}

// tool is the path of what setup installed.
func (f *fleet) tool(path string) string { return filepath.Join(f.root, ".tools", path) }

// services starts what isn't killed, and Valkey.
func (f *fleet) services(ctx context.Context) error {
	for _, s := range []struct {
		name string
		env  []string
		argv []string
		port int
	}{
		{"aws", []string{"GATEWAY_PORT=" + strconv.Itoa(f.set.port+portAWS), "BIND_HOST=127.0.0.1", "MINISTACK_HOST=127.0.0.1",
			"MINISTACK_REGION=us-east-1", "IOT_MTLS_ENABLED=0", "SFTP_ENABLED=0", "TMPDIR=" + filepath.Join(f.data, "tmp")},
			[]string{f.tool("aws/bin/ministack")}, portAWS},
		{"dynamodb", nil, []string{f.tool("node/node_modules/@dynoxide/linux-x64/dynoxide"), "--host", "127.0.0.1",
			"--port", strconv.Itoa(f.set.port + portDynamoDB)}, portDynamoDB},
	} {
		p, err := f.run(s.name, nil, s.env, s.argv...)
		if err != nil {
			return err
		}
		f.others = append(f.others, p)
		if err := listens(ctx, f.addr(s.port)); err != nil {
			return err
		}
	}
	valkey, err := f.run("valkey", nil, nil, f.tool("valkey/valkey-server"), "--bind", "127.0.0.1", "--port", strconv.Itoa(f.set.port+portValkey),
		"--dir", f.valkeyData(), "--appendonly", "yes", "--save", "")
	if err != nil {
		return err
	}
	f.parts[plan.Valkey] = []*part{valkey}
	return errors.Join(listens(ctx, f.addr(portValkey)), answers(ctx, f.url(portAWS)+"/_ministack/ready"))
}

func (f *fleet) valkeyData() string { return filepath.Join(f.data, "valkey") }

// stop ends everything: workers first, so that they can hand back what they have.
func (f *fleet) stop() {
	for _, kind := range []plan.Part{plan.Worker, plan.Relay, plan.Engine, plan.Valkey} {
		var all sync.WaitGroup
		for _, p := range f.parts[kind] {
			all.Go(func() {
				state := p.end(syscall.SIGTERM, 30*time.Second)
				if kind == plan.Worker || kind == plan.Relay {
					f.note(p.name, state)
				}
			})
		}
		all.Wait()
	}
	for _, p := range f.others {
		p.end(syscall.SIGKILL, time.Second) // what they have is of no use any more
	}
	f.parts, f.others = map[plan.Part][]*part{}, nil
}

// note keeps that a part that was asked to end did not do so with code 0.
func (f *fleet) note(name string, state *os.ProcessState) {
	if state != nil && !state.Success() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.drains = append(f.drains, fmt.Sprintf("%s was asked to end: %s", name, state))
	}
}
