package stack

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestOptionsFromEnv(t *testing.T) {
	t.Setenv("PORT", "9001")
	t.Setenv("AWS_PORT", "")
	t.Setenv("DATA_DIR", "/some/where")
	o, err := OptionsFromEnv()
	if err != nil || o.Port != 9001 || o.AWSPort != 0 || o.Data != "/some/where" {
		t.Errorf("OptionsFromEnv = %+v, %v", o, err)
	}
	for _, bad := range []string{"0", "65536", "-1", "http"} {
		t.Setenv("AWS_PORT", bad)
		if _, err := OptionsFromEnv(); err == nil || !strings.Contains(err.Error(), "AWS_PORT") {
			t.Errorf("AWS_PORT=%s: error %v, want one that names it", bad, err)
		}
	}
	t.Setenv("AWS_PORT", "")
	t.Setenv("MODELS", `[{"nome":"x"}]`)
	if _, err := OptionsFromEnv(); err == nil || !strings.Contains(err.Error(), "MODELS") {
		t.Errorf("error %v, want one that names MODELS", err)
	}
}

func TestTakenPortIsNamedWithItsVariable(t *testing.T) {
	l, err := net.Listen("tcp", loopback(0))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port
	o := Options{ValkeyPort: taken, FreePorts: true}
	err = o.complete()
	if err == nil || !strings.Contains(err.Error(), "VALKEY_PORT") || !strings.Contains(err.Error(), strconv.Itoa(taken)) {
		t.Errorf("error %v, want one that names the port and VALKEY_PORT", err)
	}
}

func TestFreePortsAreDistinct(t *testing.T) {
	o := Options{FreePorts: true}
	if err := o.complete(); err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, p := range o.ports() {
		if *p.port == 0 || seen[*p.port] {
			t.Errorf("%s is %d: not set, or set twice", p.name, *p.port)
		}
		seen[*p.port] = true
	}
}

func TestSamePortTwiceIsRefused(t *testing.T) {
	free, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Port: free, EnginePort: free, FreePorts: true}
	if err := o.complete(); err == nil || !strings.Contains(err.Error(), "ENGINE_PORT") {
		t.Errorf("error %v, want one that names ENGINE_PORT", err)
	}
}

func TestOneStackPerDataFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock(file); err == nil || !strings.Contains(err.Error(), filepath.Dir(file)) {
		t.Errorf("second lock: %v, want an error that names the folder", err)
	}
	unlock()
	if unlock, err = lock(file); err != nil {
		t.Fatalf("lock after unlock: %v", err)
	}
	unlock()
}
