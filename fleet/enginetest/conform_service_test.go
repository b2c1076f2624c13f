//go:build service

package enginetest_test

import (
	"testing"

	"parley/fleet/fleettest"
)

// The real llama.cpp is as the one for tests says. Nobody else asks it, since its
// slots are counted.
func TestRealEngineConforms(t *testing.T) { conform(t, fleettest.Engine(t)) }
