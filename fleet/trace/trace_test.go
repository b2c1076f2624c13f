package trace_test

import (
	"testing"
	"time"

	"parley/fleet/trace"
)

// reply is a reply's id.
const reply = "01M8140NCW2NF71FAFZCVQ7ZMN"

// Without an exporter a tracer costs nothing, whoever holds it.
func TestNoExporterCostsNothing(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
	open, flush, err := trace.Open(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for name, tracer := range map[string]*trace.Tracer{"open": open, "nil": nil} {
		allocs := testing.AllocsPerRun(100, func() {
			ctx, span := tracer.Reply(t.Context(), "answer", "", reply)
			tracer.Send(ctx, "", reply, now, now)
			tracer.Past(ctx, "queue", "", reply, now, now)
			_, part := tracer.Part(ctx, "claim")
			part.End("failed")
			span.Set("plan", "free")
			span.Count("attempt", 1)
			span.End("")
		})
		if allocs > 0 {
			t.Errorf("%s: %v allocations for a reply", name, allocs)
		}
	}
	if err := flush(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAShareThatIsNoNumberIsRefused(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_TRACES_SAMPLER_ARG", "half")
	if _, _, err := trace.Open(t.Context(), "test"); err == nil {
		t.Error("a sampler of half a word")
	}
}
