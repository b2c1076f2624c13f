//go:build service

package gameday

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/fleet/child"
	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/scripts/internal/stack"
)

// gap stands for production's three minutes; regions beat every second here.
const (
	gap      = 8 * time.Second
	deadline = 30 * time.Second
)

// place is a region of the game.
type place struct {
	name     string
	port     int    // of its AWS
	spare    [3]int // of what a stack may have besides
	aws      AWS
	endpoint string // of its AWS for whatever runs in it
	data     string
	stack    *stack.Stack
	engine   *enginetest.Engine
	valkey   *fleettest.Valkey
	url      string // its front door

	programs string // folder of worker and relay
	probe    string // the worker's
	running  []*exec.Cmd
	pulse    string // the function that beats

	mu   sync.Mutex
	away bool
}

// prepare gives a region its place in the network.
func prepare(t *testing.T, n *Network, name string) *place {
	t.Helper()
	p := &place{name: name, engine: enginetest.New(t), valkey: fleettest.StartValkey(t), port: freePort(t), spare: [3]int{freePort(t), freePort(t), freePort(t)}, data: t.TempDir()}
	if kept := os.Getenv("GAMEDAY_DATA"); kept != "" { // a folder whose next run finds the regions deployed
		p.data = filepath.Join(kept, name)
	}
	p.aws = AWS{URL: fmt.Sprintf("http://127.0.0.1:%d", p.port), Region: name}
	if err := n.Join(name, p.aws.URL); err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(n.From(name))
	t.Cleanup(func() { endpoint.CloseClientConnections(); endpoint.Close() })
	p.endpoint = endpoint.URL
	return p
}

// built is the folder of functions that are built already, if there is one.
func built() string {
	dir := filepath.Join(os.Getenv("DATA_DIR"), "sam", "build")
	if _, err := os.Stat(filepath.Join(dir, "template.yaml")); os.Getenv("DATA_DIR") == "" || err != nil {
		return ""
	}
	return dir
}

// deploy starts the region's AWS and deploys to it.
func (p *place) deploy(t *testing.T, build string, parameters []string) {
	var err error
	p.stack, err = stack.Start(t.Context(), stack.Options{Root: root(t), Data: p.data, Region: p.name, Endpoint: p.endpoint,
		Parameters: parameters, Build: build, AWSPort: p.port, Port: p.spare[0], EnginePort: p.spare[1], ValkeyPort: p.spare[2], WithoutFleet: true, WithoutEngine: true, Progress: &progress{t, p.name}})
	if err != nil {
		t.Errorf("%s: %v", p.name, err)
		return
	}
	t.Cleanup(p.stack.Stop)
	functions, err := p.aws.Functions(t.Context())
	if err != nil {
		t.Errorf("%s: %v", p.name, err)
	}
	for _, f := range functions {
		if strings.Contains(f, "ReportBacklog") {
			p.pulse = f
		}
	}
	if p.pulse == "" {
		t.Errorf("%s: nothing beats among %v", p.name, functions)
	}
}

// beat calls the function that gives the region's sign of life, every second instead
// of every minute, while the region is there.
func (p *place) beat(ctx context.Context, t *testing.T) {
	for tick := time.NewTicker(time.Second); ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case <-tick.C:
			p.mu.Lock()
			away := p.away
			p.mu.Unlock()
			if away {
				continue
			}
			if err := p.aws.Invoke(ctx, p.pulse); err != nil && ctx.Err() == nil {
				t.Logf("%s: a beat failed: %v", p.name, err)
			}
		}
	}
}

func (p *place) leave(away bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = away
}

// start starts worker and relay.
func (p *place) start(t *testing.T) {
	t.Helper()
	front, probe := fmt.Sprintf("127.0.0.1:%d", freePort(t)), fmt.Sprintf("127.0.0.1:%d", freePort(t))
	p.url, p.probe = "http://"+front, "http://"+probe
	env := append(os.Environ(), p.stack.Env()...)
	env = append(env, "REGIONS="+strings.Join(regions, ","), "REGION_GAP="+gap.String(), "ACCOUNTS_REGION="+regions[0], "VALKEY_ADDR="+p.valkey.Addr, "ENGINE_URL="+p.engine.URL,
		"ENGINE_SLOTS=2", "USAGE_EVERY=500ms", "ENGINE_TEMPERATURE=0", "DEADLINE_FREE="+deadline.String(), "WEB_DIR="+filepath.Join(root(t), "web"), "LISTEN_ADMIN=")
	for program, listen := range map[string]string{"worker": probe, "relay": front} {
		cmd := exec.Command(filepath.Join(p.programs, program))
		cmd.Env = append(env[:len(env):len(env)], "LISTEN="+listen)
		log, err := os.Create(filepath.Join(t.TempDir(), p.name+"-"+program+".log"))
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stderr = log
		t.Cleanup(func() {
			if t.Failed() {
				text, _ := os.ReadFile(log.Name())
				t.Logf("the end of %s in %s:\n%s", program, p.name, text[max(0, len(text)-4000):])
			}
			log.Close()
		})
		if err := child.Start(cmd); err != nil {
			t.Fatal(err)
		}
		p.running = append(p.running, cmd)
		t.Cleanup(func() { _ = cmd.Process.Kill() })
	}
}

// kill ends worker, relay and Valkey by SIGKILL.
func (p *place) kill() {
	for _, cmd := range p.running {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // reports the kill
	}
	p.running = nil
	p.valkey.Kill()
}

// ready asks what a health check of DNS asks, of the front door, and of the worker.
func ready(base string) bool {
	client := http.Client{Timeout: 3 * time.Second}
	res, err := client.Get(base + "/readyz")
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// held returns how many prompts are in the region's queue, hidden ones included.
func (p *place) held(t *testing.T) int {
	t.Helper()
	var out struct{ Attributes map[string]string }
	err := p.aws.SQS(t.Context(), "GetQueueAttributes", map[string]any{"QueueUrl": p.stack.Outputs()["QueueUrlsFree"],
		"AttributeNames": []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"}}, &out)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, text := range out.Attributes {
		var one int
		if _, err := fmt.Sscan(text, &one); err != nil {
			t.Fatal(err)
		}
		n += one
	}
	return n
}

// resolver is the name under which users reach Parley: it leads to the first of the
// regions whose health check passes.
type resolver []*place

func (r resolver) resolve(t *testing.T) *place {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		for _, p := range r {
			if p.url != "" && ready(p.url) {
				return p
			}
		}
	}
	t.Fatal("no region is healthy")
	return nil
}

type progress struct {
	t    *testing.T
	name string
}

func (p *progress) Write(line []byte) (int, error) {
	p.t.Logf("%s: %s", p.name, strings.TrimSpace(string(line)))
	return len(line), nil
}

var ports = 22000 + os.Getpid()*17%9000

// freePort is one that nobody listens at. It is given out once, and is below those that
// the system gives to outgoing connections, so that it is still free when it is used.
func freePort(t *testing.T) int {
	t.Helper()
	if os.Getenv("GAMEDAY_DATA") != "" && ports >= 22000 {
		ports = 21700 // the same in each run
	}
	for range 1000 {
		ports++
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", ports)); err == nil {
			l.Close()
			return ports
		}
	}
	t.Fatal("no port is free")
	return 0
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
