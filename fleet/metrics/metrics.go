// Package metrics is what worker and relay count for Prometheus.
//
// A Worker and a Relay hold their process's collectors. Both may be nil, and count
// nothing then, so that whoever is measured needs no condition. Labels are plan and
// model, and few words of ours: a model that isn't of the table is "other", so that
// nobody makes series by asking for names.
//
// Times are in seconds. Nothing of a user is in a label.
package metrics

import (
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"parley/shared/quota"
)

// Registry returns an empty registry with what every Go process has.
func Registry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Handler serves what r has gathered.
func Handler(r *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
}

// Buckets, in seconds.
var (
	waits = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60, 120, 240}
	gaps  = []float64{.001, .0025, .005, .01, .02, .03, .05, .1, .2, .5, 1, 2.5, 10, 30}
)

const (
	labelPlan   = "plan"
	labelModel  = "model"
	labelStatus = "status"
)

// other is the model of a name that no table has.
const other = "other"

// names maps models to what their label is.
type names []string

func (n names) of(model string) string {
	switch {
	case slices.Contains(n, model):
		return model
	case model == "" && len(n) > 0:
		return n[0]
	}
	return other
}

// maker makes collectors and registers them.
type maker struct{ to prometheus.Registerer }

func (m maker) counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.to.MustRegister(c)
	return c
}

func (m maker) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	c := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	m.to.MustRegister(c)
	return c
}

func (m maker) histogram(name, help string, buckets []float64) *prometheus.HistogramVec {
	c := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, []string{labelPlan, labelModel})
	m.to.MustRegister(c)
	return c
}

// planOf keeps the label to plans that there are.
func planOf(p quota.Plan) string {
	if !p.Valid() {
		return other
	}
	return string(p)
}
