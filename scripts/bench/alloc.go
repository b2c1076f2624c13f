package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"parley/scripts/internal/ledger/rig"
	"parley/scripts/internal/runtimeapi"
)

//go:embed probe.txt
var probe []byte

// startProbed starts a function that is compiled with the probe beside its own
// files, which stay as they are. What it says of itself goes to the meter.
func startProbed(ctx context.Context, r *rig.Rig, c benchCase) (*runtimeapi.Environment, *meter, error) {
	dir, err := os.MkdirTemp("", "parley-bench-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	source, overlay := filepath.Join(dir, "probe.go"), filepath.Join(dir, "overlay.json")
	files, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(r.Root(), "functions", c.function, "bench_probe.go"): source}})
	err = errors.Join(err, os.WriteFile(source, probe, 0o600), os.WriteFile(overlay, files, 0o600))
	if err != nil {
		return nil, nil, err
	}
	spec, err := r.Spec(ctx, c.function, c.env...)
	if err != nil {
		return nil, nil, err
	}
	if spec.Binary, err = r.BuildProbed(ctx, c.function, overlay); err != nil {
		return nil, nil, err
	}
	m := &meter{said: make(chan string, 16)}
	spec.Log = m
	e, err := runtimeapi.Start(spec)
	return e, m, err
}

// meter picks the probe's lines out of what a function prints.
type meter struct {
	mu   sync.Mutex
	line strings.Builder
	said chan string
}

// Write takes what the function prints.
func (m *meter) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range p {
		if b != '\n' {
			m.line.WriteByte(b)
			continue
		}
		if line := m.line.String(); strings.HasPrefix(line, "allocated ") {
			m.said <- line
		}
		m.line.Reset()
	}
	return len(p), nil
}

// read asks a probed function for its counts since its start.
func (m *meter) read(e *runtimeapi.Environment) (allocations, bytes int64, err error) {
	if err := e.Signal(syscall.SIGUSR1); err != nil {
		return 0, 0, err
	}
	select {
	case line := <-m.said:
		_, err = fmt.Sscanf(line, "allocated %d %d", &allocations, &bytes)
		return allocations, bytes, err
	case <-time.After(5 * time.Second):
		return 0, 0, errors.New("the probe doesn't answer")
	}
}
