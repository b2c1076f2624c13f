// Package routertest starts what a fleet with several engines stands on: llama.cpp
// with the small model, and vLLM Router in front. They are processes of this
// machine, on loopback, that tests and benchmarks start, kill and start again, and
// that end with whoever started them.
package routertest

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Settings of a router. The breaker's and the health check's defaults are those of
// a test: they notice within seconds what takes the router's own a minute.
type Settings struct {
	Policy  string   // one of the router's; empty: consistent_hash
	Engines []string // their URLs
	Log     string   // file for what it prints; empty: nowhere
	More    []string // further arguments
}

// Router is a running vLLM Router.
type Router struct {
	*Process
	MetricsURL string // of its Prometheus metrics
}

// StartRouter returns when the router serves, which it does once all engines are well.
func StartRouter(ctx context.Context, root string, s Settings) (*Router, error) {
	ports, err := FreePorts(2)
	if err != nil {
		return nil, err
	}
	policy := s.Policy
	if policy == "" {
		policy = "consistent_hash"
	}
	args := []string{"--host", "127.0.0.1", "--port", strconv.Itoa(ports[0]), "--prometheus-port", strconv.Itoa(ports[1]),
		"--policy", policy, "--log-level", "warning", "--worker-startup-check-interval", "1",
		"--cb-failure-threshold", "1", "--cb-success-threshold", "1", "--cb-timeout-duration-secs", "1", "--health-check-interval-secs", "1"}
	args = append(append(args, s.More...), "--worker-urls")
	p, err := start(ctx, command{
		argv: append(append([]string{filepath.Join(root, ".tools/router/bin/vllm-router")}, args...), s.Engines...),
		port: ports[0], ready: "/readiness", log: s.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("start the router: %w", err)
	}
	return &Router{Process: p, MetricsURL: at(ports[1]) + "/metrics"}, nil
}

// StartEngine starts llama.cpp with two slots of 1,024 tokens on one thread, at
// that port (0: any free one), and returns when it has read its model.
func StartEngine(ctx context.Context, root string, port int) (*Process, error) {
	if port == 0 {
		ports, err := FreePorts(1)
		if err != nil {
			return nil, err
		}
		port = ports[0]
	}
	p, err := start(ctx, command{
		argv: []string{filepath.Join(root, ".tools/engine/bin/python"), filepath.Join(root, "scripts/engine.py")},
		env: append(os.Environ(), "ENGINE_HOST=127.0.0.1", "ENGINE_PORT="+strconv.Itoa(port), "ENGINE_SLOTS=2",
			"ENGINE_SLOT_CONTEXT=1024", "ENGINE_THREADS=1", "ENGINE_MODEL=small"),
		port: port, ready: "/health",
	})
	if err != nil {
		return nil, fmt.Errorf("start an engine: %w", err)
	}
	return p, nil
}

// Metrics reads Prometheus metrics, by name and labels as they stand there.
func Metrics(ctx context.Context, url string) (map[string]float64, error) {
	text, err := get(ctx, url)
	if err != nil {
		return nil, err
	}
	all := map[string]float64{}
	for line := range strings.Lines(text) {
		i := strings.LastIndexByte(strings.TrimSpace(line), ' ')
		if i < 0 || line[0] == '#' {
			continue
		}
		if v, err := strconv.ParseFloat(strings.TrimSpace(line[i:]), 64); err == nil {
			all[line[:i]] = v
		}
	}
	return all, nil
}

// FreePorts returns ports that nobody listens at now, all different.
func FreePorts(n int) ([]int, error) {
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}

func at(port int) string { return "http://127.0.0.1:" + strconv.Itoa(port) }

// startTime bounds the start of a process on a busy machine.
const startTime = 60 * time.Second
