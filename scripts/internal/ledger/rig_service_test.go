//go:build service

package ledger_test

import (
	"bytes"
	"sync"
	"testing"

	"parley/scripts/internal/ledger/rig"
)

// newRig makes a Parley of the test's own, and collects what its functions print, which
// a test that fails logs.
func newRig(t *testing.T) (*rig.Rig, *output) {
	t.Helper()
	services, err := rig.FromEnv()
	if err != nil {
		t.Fatal(err)
	}
	log := &output{}
	r, err := rig.New(t.Context(), services, rig.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the functions said:\n%s", log)
		}
	})
	return r, log
}

// output collects what several processes print.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write takes what is printed.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

// String is all that was printed.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
