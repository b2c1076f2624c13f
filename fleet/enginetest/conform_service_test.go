//go:build service

package enginetest_test

import (
	"os"
	"testing"
)

// The real llama.cpp is as the one for tests says.
func TestRealEngineConforms(t *testing.T) {
	url := os.Getenv("ENGINE_URL")
	if url == "" {
		t.Fatal("ENGINE_URL is not set: `make test` starts an engine")
	}
	conform(t, url)
}
