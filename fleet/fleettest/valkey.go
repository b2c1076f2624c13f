package fleettest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Valkey is a server of a test's own, which keeps nothing when it is killed.
type Valkey struct {
	Addr string // host:port, the same after each Start

	process
	t    testing.TB
	path string
}

// StartValkey starts the server that `make setup` has installed, at a free port;
// it ends with the test.
func StartValkey(t testing.TB) *Valkey {
	t.Helper()
	v := &Valkey{t: t, path: filepath.Join(root(t), ".tools", "valkey", "valkey-server"), Addr: freeAddr(t)}
	t.Cleanup(v.Kill)
	v.Start()
	return v
}

// Start starts it again, empty, and waits until it takes connections.
func (v *Valkey) Start() {
	v.t.Helper()
	_, port, _ := net.SplitHostPort(v.Addr) // it is our own
	cmd := exec.Command(v.path, "--bind", "127.0.0.1", "--port", port, "--save", "", "--loglevel", "warning")
	cmd.Dir = v.t.TempDir()
	v.start(v.t, cmd, func() {
		Await(v.t, 10*time.Second, "Valkey takes connections", func() bool {
			conn, err := net.Dial("tcp", v.Addr)
			if err == nil {
				conn.Close()
			}
			return err == nil
		})
	})
}

// Await polls until what holds, and fails the test if it doesn't within limit.
func Await(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}

// root is the checkout's.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			break
		}
		dir = up
	}
	t.Fatal("no go.mod above the test's folder")
	return ""
}

// freeAddr is an address of this machine that nobody listens at. It is below the
// ports that the system gives to outgoing connections, so that none of them takes
// it while a server that was killed is away.
func freeAddr(t testing.TB) string {
	t.Helper()
	for port := 21400 + os.Getpid()%90; port < 32000; port += 7 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}
