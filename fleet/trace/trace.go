// Package trace follows replies through the fleet with OpenTelemetry.
//
// A worker makes the spans of a reply's way: what it waited for in its queue, the
// claim, the reading of its chat, the engine's answer and the commit; a relay makes
// those of the streams that showed it. They meet because a reply's trace follows
// from its id, or was carried along with its prompt (shared/trace). Functions export
// nothing: a reply's first span, the time between its acceptance and its queue, is
// made by the worker as well.
//
// Without an exporter nothing is recorded, at no cost. In spans stand ids of replies,
// plans, models, counts and our own words, never what a user wrote, nor who.
package trace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	wire "parley/shared/trace"
)

// Tracer makes spans. The zero value makes none.
type Tracer struct{ to trace.Tracer }

// Open returns a service's tracer. It exports over OTLP/HTTP if
// OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set, of all
// traces the share that OTEL_TRACES_SAMPLER_ARG says (1 if unset); the exporter reads
// OpenTelemetry's other variables itself. Close sends what is left.
func Open(ctx context.Context, service string) (t *Tracer, close func(context.Context) error, err error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return &Tracer{}, func(context.Context) error { return nil }, nil
	}
	share := 1.0
	if text := os.Getenv("OTEL_TRACES_SAMPLER_ARG"); text != "" {
		if share, err = strconv.ParseFloat(text, 64); err != nil {
			return nil, nil, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG: %w", err)
		}
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("trace exporter: %w", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", service)), resource.WithFromEnv())
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("trace resource: %w", err), exporter.Shutdown(ctx))
	}
	// By the trace's id, whatever a client asks for: all processes decide alike.
	p := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about),
		sdk.WithSampler(sdk.TraceIDRatioBased(share)), sdk.WithIDGenerator(ids{}))
	return &Tracer{p.Tracer("parley/fleet")}, p.Shutdown, nil
}

// Span is something that is being done. Of the zero value nothing is kept.
type Span struct{ s trace.Span }

// Part begins a part of what ctx's span is.
func (t *Tracer) Part(ctx context.Context, name string) (context.Context, Span) {
	if t.off() {
		return ctx, Span{}
	}
	ctx, s := t.to.Start(ctx, name)
	return ctx, Span{s}
}

// Reply begins a span of a reply's trace: that of the traceparent which was carried
// along, or else the reply's own.
func (t *Tracer) Reply(ctx context.Context, name, carried, reply string) (context.Context, Span) {
	if t.off() {
		return ctx, Span{}
	}
	ctx, s := t.to.Start(remote(ctx, carried, reply), name, trace.WithAttributes(attribute.String("parley.reply", reply)))
	return ctx, Span{s}
}

// Past makes a span of a reply's trace that has been over for a while.
func (t *Tracer) Past(ctx context.Context, name, carried, reply string, from, to time.Time) {
	if t.off() {
		return
	}
	_, s := t.to.Start(remote(ctx, carried, reply), name, trace.WithTimestamp(from))
	s.End(trace.WithTimestamp(to))
}

// Send makes the span of a reply's acceptance. Where no trace was carried along it
// is the trace's first.
func (t *Tracer) Send(ctx context.Context, carried, reply string, from, to time.Time) {
	if t.off() {
		return
	}
	opts := []trace.SpanStartOption{trace.WithTimestamp(from), trace.WithSpanKind(trace.SpanKindProducer)}
	ctx = remote(ctx, carried, reply)
	if carried == "" {
		ctx = context.WithValue(ctx, first{}, trace.SpanContextFromContext(ctx))
		opts = append(opts, trace.WithNewRoot())
	}
	_, s := t.to.Start(ctx, "send", opts...)
	s.End(trace.WithTimestamp(to))
}

// off reports whether nothing is recorded.
func (t *Tracer) off() bool { return t == nil || t.to == nil }

// remote returns ctx inside a trace that began elsewhere.
func remote(ctx context.Context, carried, reply string) context.Context {
	if carried == "" {
		carried = wire.Of(reply)
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{wire.Header: carried})
}

// Set notes a word of ours.
func (s Span) Set(name, value string) {
	if s.s != nil {
		s.s.SetAttributes(attribute.String("parley."+name, value))
	}
}

// Count notes a number.
func (s Span) Count(name string, n int) {
	if s.s != nil {
		s.s.SetAttributes(attribute.Int("parley."+name, n))
	}
}

// End ends the span; why is in our words, empty if all went well.
func (s Span) End(why string) {
	if s.s == nil {
		return
	}
	if why != "" {
		s.s.SetStatus(codes.Error, why)
	}
	s.s.End()
}
