package trace_test

import (
	"net/http"
	"testing"
	"time"

	"parley/shared/id"
	"parley/shared/trace"
)

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestAReplyHasATrace(t *testing.T) {
	reply := id.New(time.Now())
	if p := trace.Of(reply); !trace.Valid(p) || p != trace.Of(reply) || p == trace.Of(id.Next(reply)) {
		t.Errorf("%q", p)
	}
	if p := trace.Of("01K9"); p != "" {
		t.Errorf("no id has the trace %q", p)
	}
}

func TestIncoming(t *testing.T) {
	for _, c := range []struct{ header, value, want string }{
		{"traceparent", parent, parent},
		{"Traceparent", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", ""},
		{"traceparent", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", ""},
		{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", ""},
		{"traceparent", "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", ""},
		{"traceparent", parent + "-x", ""},
		{"X-Amzn-Trace-Id", "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1", parent},
		{"X-Amzn-Trace-Id", "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=0", ""},
		{"X-Amzn-Trace-Id", "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736", ""},
		{"X-Amzn-Trace-Id", "Sampled=1;;Root", ""},
	} {
		h := http.Header{}
		h.Set(c.header, c.value)
		if got := trace.Incoming(h); got != c.want {
			t.Errorf("%s: %s: %q, want %q", c.header, c.value, got, c.want)
		}
	}
}

func TestContext(t *testing.T) {
	ctx := trace.With(t.Context(), parent)
	if trace.From(ctx) != parent || trace.From(t.Context()) != "" || trace.From(trace.With(t.Context(), "nonsense")) != "" {
		t.Error("a context doesn't carry what it was given")
	}
}

func FuzzIncoming(f *testing.F) {
	f.Add(parent, "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1")
	f.Fuzz(func(t *testing.T, parent, xray string) {
		got := trace.Incoming(http.Header{"Traceparent": {parent}, "X-Amzn-Trace-Id": {xray}})
		if got != "" && !trace.Valid(got) {
			t.Errorf("%q", got)
		}
	})
}
