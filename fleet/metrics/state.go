package metrics

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"

	"parley/shared/quota"
)

// State is what a worker knows of itself, asked for when Prometheus asks.
type State struct {
	Limit  func() int                     // answers that the engine is given at once
	Held   func() int                     // ended prompts that wait for their usage to be written
	Pace   func(quota.Plan) float64       // tokens a second that it can do for a plan; 0: unknown
	Events func(each func(string, int64)) // how often what isn't usual has happened
}

var (
	limitDesc  = prometheus.NewDesc("parley_engine_limit", "Answers that the engine is given at once.", nil, nil)
	heldDesc   = prometheus.NewDesc("parley_usage_held", "Ended prompts that wait for their usage to be written.", nil, nil)
	paceDesc   = prometheus.NewDesc("parley_pace_tokens_per_second", "Tokens a second that the worker can read and write for a plan.", []string{labelPlan}, nil)
	eventsDesc = prometheus.NewDesc("parley_events_total", "Prompts that went another than the usual way, by which.", []string{"event"}, nil)
)

// Watch registers a worker's state.
func Watch(to prometheus.Registerer, s State) { to.MustRegister(state{s}) }

// state is State as a prometheus.Collector.
type state struct{ State }

// Describe names the metrics.
func (s state) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{limitDesc, heldDesc, paceDesc, eventsDesc} {
		to <- d
	}
}

// Collect asks for the values.
func (s state) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(limitDesc, float64(s.Limit()))
	gauge(heldDesc, float64(s.Held()))
	for _, p := range []quota.Plan{quota.Free, quota.Premium} {
		if v := s.Pace(p); v > 0 && !math.IsInf(v, 0) {
			gauge(paceDesc, v, string(p))
		}
	}
	s.Events(func(event string, n int64) {
		to <- prometheus.MustNewConstMetric(eventsDesc, prometheus.CounterValue, float64(n), event)
	})
}
