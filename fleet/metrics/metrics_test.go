package metrics_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"parley/fleet/metrics"
	"parley/shared/chat"
	"parley/shared/quota"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return noon.Add(time.Duration(seconds * float64(time.Second))) }

// drive has every collector of a worker and a relay count something.
func drive(r prometheus.Registerer) {
	w, relay := metrics.NewWorker(r, "small", "large"), metrics.NewRelay(r, "small", "large")
	a := w.Begin(quota.Free, "", noon, at(2))
	a.Engine(at(2.1))
	a.Engine(at(3)) // asked again; the first time counts
	a.Token(at(2.5))
	a.Token(at(2.52))
	a.Token(at(2.54))
	a.Broke()
	a.Reply(chat.Done, chat.Usage{PromptTokens: 30, CompletionTokens: 3, CachedTokens: 20})
	a.End()
	b := w.Begin(quota.Premium, "made-up", noon, at(1))
	b.Resume()
	b.Reset()
	b.Engine(at(1))
	b.Token(at(9))
	b.End()
	w.Usage(12, true)
	w.Usage(3, false)
	metrics.Watch(r, metrics.State{
		Limit: func() int { return 7 }, Held: func() int { return 4 },
		Pace:   func(p quota.Plan) float64 { return map[quota.Plan]float64{quota.Free: 90}[p] },
		Events: func(each func(string, int64)) { each("unreadable", 3); each("handed_back", 1) },
	})
	closed := relay.Open(quota.Free, true)
	relay.Open(quota.Premium, false)
	closed()
	relay.Reset(quota.Free)
	relay.Drop(quota.Free, metrics.Slow)
	relay.Wait(quota.Free)
	relay.Completion(quota.Free, "small", false)
	relay.Completion(quota.Free, "large", true)
}

func TestWhatIsCounted(t *testing.T) {
	r := prometheus.NewRegistry()
	drive(r)
	want := `
# HELP parley_attempts_total Attempts to answer that began.
# TYPE parley_attempts_total counter
parley_attempts_total{model="other",plan="premium"} 1
parley_attempts_total{model="small",plan="free"} 1
# HELP parley_answers_in_flight Replies that are being written now.
# TYPE parley_answers_in_flight gauge
parley_answers_in_flight{model="other",plan="premium"} 0
parley_answers_in_flight{model="small",plan="free"} 0
# HELP parley_cached_tokens_total Tokens of those prompts that the engine had kept.
# TYPE parley_cached_tokens_total counter
parley_cached_tokens_total{model="small",plan="free"} 20
# HELP parley_engine_limit Answers that the engine is given at once.
# TYPE parley_engine_limit gauge
parley_engine_limit 7
# HELP parley_events_total Prompts that went another than the usual way, by which.
# TYPE parley_events_total counter
parley_events_total{event="handed_back"} 1
parley_events_total{event="unreadable"} 3
# HELP parley_pace_tokens_per_second Tokens a second that the worker can read and write for a plan.
# TYPE parley_pace_tokens_per_second gauge
parley_pace_tokens_per_second{plan="free"} 90
# HELP parley_replies_total Replies that ended, by how.
# TYPE parley_replies_total counter
parley_replies_total{model="small",plan="free",status="done"} 1
# HELP parley_resumed_answers_total Attempts that went on with the text of an earlier one.
# TYPE parley_resumed_answers_total counter
parley_resumed_answers_total{model="other",plan="premium"} 1
# HELP parley_sheds_total Calls of the OpenAI endpoint that were refused because of overload.
# TYPE parley_sheds_total counter
parley_sheds_total{model="large",plan="free"} 1
# HELP parley_streams_open Streams that are open now.
# TYPE parley_streams_open gauge
parley_streams_open{plan="free"} 0
parley_streams_open{plan="premium"} 1
# HELP parley_usage_records_total Usage records that were written.
# TYPE parley_usage_records_total counter
parley_usage_records_total 12
`
	var names []string
	for line := range strings.Lines(want) {
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			names = append(names, strings.Fields(name)[0])
		}
	}
	if err := testutil.GatherAndCompare(r, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}

// The times that histograms hold are the ones that were meant: a first token counts
// from the asking, a gap from the token before, and a resumed answer has no first token.
func TestTimes(t *testing.T) {
	r := prometheus.NewRegistry()
	drive(r)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	type sum struct {
		count uint64
		sum   float64
	}
	got := map[string]sum{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if h := m.GetHistogram(); h != nil {
				s := got[f.GetName()]
				got[f.GetName()] = sum{s.count + h.GetSampleCount(), s.sum + h.GetSampleSum()}
			}
		}
	}
	for name, want := range map[string]sum{
		"parley_queue_age_seconds":          {2, 3},
		"parley_first_token_seconds":        {1, 2.5},
		"parley_engine_first_token_seconds": {1, 0.4},
		"parley_token_gap_seconds":          {2, 0.04},
	} {
		if g := got[name]; g.count != want.count || g.sum < want.sum-1e-6 || g.sum > want.sum+1e-6 {
			t.Errorf("%s: %+v, want %+v", name, g, want)
		}
	}
}

func TestPrometheusLikesTheNames(t *testing.T) {
	r := prometheus.NewRegistry()
	drive(r)
	problems, err := testutil.GatherAndLint(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// Whoever has no metrics counts nothing and falls over nothing.
func TestNilCountsNothing(t *testing.T) {
	var w *metrics.Worker
	var r *metrics.Relay
	a := w.Begin(quota.Free, "small", noon, noon)
	a.Resume()
	a.Reset()
	a.Engine(noon)
	a.Token(noon)
	a.Broke()
	a.Reply(chat.Done, chat.Usage{})
	a.End()
	w.Usage(1, true)
	r.Open(quota.Free, true)()
	r.Reset(quota.Free)
	r.Drop(quota.Free, metrics.Limit)
	r.Wait(quota.Free)
	r.Completion(quota.Free, "small", true)
}

func TestHandler(t *testing.T) {
	r := metrics.Registry()
	drive(r)
	rec := httptest.NewRecorder()
	metrics.Handler(r).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{`parley_streams_open{plan="premium"} 1`, "go_goroutines", "process_open_fds"} {
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("no %s in what is served", want)
		}
	}
}
