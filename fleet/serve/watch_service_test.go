//go:build service

package serve_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"parley/fleet/enginetest"
	"parley/fleet/fleettest"
	"parley/fleet/metrics"
)

// A stream is counted when it begins, as one that goes on if it does, and is open no
// longer than it is.
func TestStreamsAreCounted(t *testing.T) {
	e, s := enginetest.New(t), fleettest.New(t)
	counted := prometheus.NewRegistry()
	s.Relay.Metrics = metrics.NewRelay(counted, "small")
	s.Work(s.Parts(e.URL))
	ref := s.Ask("", "Why?")
	events := s.Stream(t.Context(), ref, "", nil)
	if last := events[len(events)-1]; last.Name != "done" {
		t.Fatalf("the stream ended with %+v", last)
	}
	s.Stream(t.Context(), ref, events[1].ID, nil)
	const want = `
# HELP parley_resumed_streams_total Streams that went on from where a client stood.
# TYPE parley_resumed_streams_total counter
parley_resumed_streams_total{plan="free"} 1
# HELP parley_streams_open Streams that are open now.
# TYPE parley_streams_open gauge
parley_streams_open{plan="free"} 0
# HELP parley_streams_total Streams that began.
# TYPE parley_streams_total counter
parley_streams_total{plan="free"} 2
`
	var err error
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) { // a stream is over a little after its last event
		err = testutil.GatherAndCompare(counted, strings.NewReader(want),
			"parley_streams_total", "parley_resumed_streams_total", "parley_streams_open", "parley_dropped_streams_total", "parley_stream_resets_total")
		if err == nil {
			return
		}
	}
	t.Error(err)
}
