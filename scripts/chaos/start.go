package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"

	"parley/scripts/chaos/plan"
)

// startEngines starts the engines; lines gets what each says of its calls.
func (f *fleet) startEngines(ctx context.Context, lines func(engine int) func(string)) error {
	for i := range engines {
		port := strconv.Itoa(f.set.port + portEngine + i)
		env, argv := []string(nil), []string{filepath.Join(f.bin, "cmd"), "-port", port,
			"-slots", strconv.Itoa(f.set.slots), "-pace", f.set.pace.String()}
		line := lines(i)
		if f.set.real {
			env = []string{"ENGINE_HOST=127.0.0.1", "ENGINE_PORT=" + port, "ENGINE_SLOTS=4", "ENGINE_SLOT_CONTEXT=2048", "ENGINE_THREADS=1"}
			argv = []string{f.tool("engine/bin/python"), filepath.Join(f.root, "scripts/engine.py")}
			line = nil
		}
		p, err := f.run(fmt.Sprintf("engine-%d", i), line, env, argv...)
		if err != nil {
			return err
		}
		f.parts[plan.Engine] = append(f.parts[plan.Engine], p)
	}
	for i := range engines {
		if err := answers(ctx, f.url(portEngine+i)+"/health"); err != nil {
			return err
		}
	}
	return nil
}

// startFleet starts workers and relays. Each worker has one engine, which knows it
// by its key.
func (f *fleet) startFleet(ctx context.Context, env []string) error {
	env = append(env, "VALKEY_ADDR="+f.addr(portValkey))
	for i := range f.set.workers {
		own := []string{"ENGINE_URL=" + f.engineURL(i%engines), "ENGINE_KEY=" + workerKey(i), "ENGINE_MODEL=smollm2-135m-instruct",
			"ENGINE_TEMPERATURE=0", "ENGINE_IDLE=3s", "ENGINE_FIRST_TOKEN=30s"}
		if f.set.real {
			own = append(own, "MAX_TOKENS=48", "ENGINE_IDLE=15s")
		}
		p, err := f.run(fmt.Sprintf("worker-%d", i), nil, append(own, env...), filepath.Join(f.bin, "worker"))
		if err != nil {
			return err
		}
		f.parts[plan.Worker] = append(f.parts[plan.Worker], p)
	}
	for i := range relays {
		p, err := f.run(fmt.Sprintf("relay-%d", i), nil, append([]string{"LISTEN=" + f.addr(portRelay+i)}, env...), filepath.Join(f.bin, "relay"))
		if err != nil {
			return err
		}
		f.parts[plan.Relay] = append(f.parts[plan.Relay], p)
		if err := answers(ctx, f.url(portRelay+i)+"/readyz"); err != nil {
			return err
		}
	}
	return nil
}

// engineURL is where workers find an engine: real ones stand behind a recorder.
func (f *fleet) engineURL(i int) string {
	if f.set.real {
		return f.url(portRecorder + i)
	}
	return f.url(portEngine + i)
}

// workerKey is the bearer token by which an engine knows a worker.
func workerKey(i int) string { return "worker-" + strconv.Itoa(i) }
