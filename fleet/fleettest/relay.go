//go:build service

package fleettest

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Relay is the program fleet/relay as a process of its own, over the stack's tables
// and Valkey.
type Relay struct {
	URL string // the same after each Start

	process
	s    *Stack
	path string
}

// StartRelay builds and starts a relay, which takes the stack's tokens; it ends
// with the test.
func (s *Stack) StartRelay() *Relay {
	s.T.Helper()
	s.Realm.Publish(s.T, s.Accounts)
	if s.relay == "" {
		s.relay = filepath.Join(s.T.TempDir(), "relay")
		build := exec.Command("go", "build", "-o", s.relay, "./fleet/relay")
		build.Dir = root(s.T)
		if out, err := build.CombinedOutput(); err != nil {
			s.T.Fatalf("build the relay: %v\n%s", err, out)
		}
	}
	r := &Relay{s: s, path: s.relay, URL: "http://" + freeAddr(s.T)}
	s.T.Cleanup(r.Kill)
	r.Start()
	return r
}

// Start starts it again and waits until it serves.
func (r *Relay) Start() {
	r.s.T.Helper()
	cmd := exec.Command(r.path)
	cmd.Env = append(os.Environ(), "LISTEN="+r.URL[len("http://"):], "ACCOUNTS_TABLE="+r.s.accounts, "CHATS_TABLE="+r.s.Table,
		"BODIES_BUCKET=none", "VALKEY_ADDR="+Env(r.s.T, "VALKEY_ADDR"), "AWS_ENDPOINT_URL="+Env(r.s.T, "DYNAMODB_URL"),
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "LISTEN_ADMIN=", "ENGINE_URL=", "API_URL=")
	r.start(r.s.T, cmd, func() {
		Await(r.s.T, 20*time.Second, "the relay is ready", func() bool {
			resp, err := http.Get(r.URL + "/readyz")
			if err != nil {
				return false
			}
			resp.Body.Close()
			return resp.StatusCode == http.StatusOK
		})
	})
}
