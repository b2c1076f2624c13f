package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"parley/shared/quota"
)

// Relay counts what a relay does. A nil one counts nothing.
type Relay struct {
	models names

	streams, resumed, resets, dropped, waits *prometheus.CounterVec
	completions, sheds                       *prometheus.CounterVec
	open                                     *prometheus.GaugeVec
}

// NewRelay registers a relay's collectors; models are those that may be a label.
func NewRelay(to prometheus.Registerer, models ...string) *Relay {
	m := maker{to}
	return &Relay{models: models,
		open:        m.gauge("parley_streams_open", "Streams that are open now.", labelPlan),
		streams:     m.counter("parley_streams_total", "Streams that began.", labelPlan),
		resumed:     m.counter("parley_resumed_streams_total", "Streams that went on from where a client stood.", labelPlan),
		resets:      m.counter("parley_stream_resets_total", "Times that a client was told to clear what it shows.", labelPlan),
		dropped:     m.counter("parley_dropped_streams_total", "Streams that broke off before their reply's end, a client's own leaving apart, by why.", labelPlan, "reason"),
		waits:       m.counter("parley_waits_total", "Replies that were waited for without a stream.", labelPlan),
		completions: m.counter("parley_completions_total", "Calls of the OpenAI endpoint that were accepted.", labelPlan, labelModel),
		sheds:       m.counter("parley_sheds_total", "Calls of the OpenAI endpoint that were refused because of overload.", labelPlan, labelModel),
	}
}

// Reasons for which a stream is dropped.
const (
	Slow   = "slow"   // the client didn't take what was sent
	Limit  = "limit"  // the user has too many
	Ending = "ending" // the relay ends
)

// Open counts a stream that begins; the function that it returns counts its end.
func (r *Relay) Open(p quota.Plan, resumed bool) (closed func()) {
	if r == nil {
		return func() {}
	}
	plan := planOf(p)
	r.streams.WithLabelValues(plan).Inc()
	if resumed {
		r.resumed.WithLabelValues(plan).Inc()
	}
	r.open.WithLabelValues(plan).Inc()
	return func() { r.open.WithLabelValues(plan).Dec() }
}

// Reset counts that a client was told to clear what it shows.
func (r *Relay) Reset(p quota.Plan) {
	if r != nil {
		r.resets.WithLabelValues(planOf(p)).Inc()
	}
}

// Drop counts a stream that broke off, or didn't begin, for that reason.
func (r *Relay) Drop(p quota.Plan, reason string) {
	if r != nil {
		r.dropped.WithLabelValues(planOf(p), reason).Inc()
	}
}

// Wait counts a reply that was waited for.
func (r *Relay) Wait(p quota.Plan) {
	if r != nil {
		r.waits.WithLabelValues(planOf(p)).Inc()
	}
}

// Completion counts a call of the OpenAI endpoint: accepted, or shed.
func (r *Relay) Completion(p quota.Plan, model string, shed bool) {
	switch {
	case r == nil:
	case shed:
		r.sheds.WithLabelValues(planOf(p), r.models.of(model)).Inc()
	default:
		r.completions.WithLabelValues(planOf(p), r.models.of(model)).Inc()
	}
}
