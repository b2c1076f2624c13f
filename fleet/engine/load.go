package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Load is what an engine says of its work at a moment. Behind one address there
// may be several engines; then it is that of all of them.
type Load struct {
	Slots   int     // answers that it writes at once; 0: it doesn't say, as vLLM doesn't
	Running int     // answers that it writes now
	Waiting int     // requests that it has taken and not begun
	KV      float64 // share of its KV cache that is in use, 0 to 1; 0 if it doesn't say
	Looked  int64   // tokens of prompts since its start
	Cached  int64   // of those, the ones that its prefix cache had
}

// ErrNoLoad: the engine tells nothing of its load that can be understood.
var ErrNoLoad = errors.New("engine does not tell its load")

// Load reads /metrics as llama.cpp and vLLM have it, and llama.cpp's /slots. It
// returns ErrNoLoad if there is neither. A router passes such questions to any one
// of its engines; so it is asked which they are (engines.go), and then each of them.
func (c *Client) Load(ctx context.Context) (Load, error) {
	if engines := c.engines(ctx); len(engines) > 0 {
		return together(ctx, engines)
	}
	families, err := c.metrics(ctx)
	if err == nil {
		if load, ok := read(families); ok {
			if _, llama := families["llamacpp:requests_processing"]; llama {
				load.Slots, _, _ = c.slots(ctx) // 0 where it is not allowed to tell
			}
			return load, nil
		}
		err = errors.New("its /metrics has nothing that is known")
	}
	slots, running, slotsErr := c.slots(ctx)
	if slotsErr != nil {
		return Load{}, fmt.Errorf("%w: %w", ErrNoLoad, errors.Join(err, slotsErr))
	}
	return Load{Slots: slots, Running: running}, nil
}

// slots asks llama.cpp how many slots it has and how many are at work.
func (c *Client) slots(ctx context.Context) (all, running int, err error) {
	var slots []struct {
		Busy bool `json:"is_processing"`
	}
	if err := c.ask(ctx, http.MethodGet, "/slots", nil, &slots); err != nil {
		return 0, 0, err
	}
	for _, s := range slots {
		if s.Busy {
			running++
		}
	}
	return len(slots), running, nil
}

func (c *Client) metrics(ctx context.Context) (map[string]*dto.MetricFamily, error) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	resp, err := c.do(ctx, http.MethodGet, "/metrics", nil, "")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(io.LimitReader(resp.Body, 16<<20))
}

// read finds the figures of a Load under the names that engines have for them;
// false if there are none.
func read(families map[string]*dto.MetricFamily) (Load, bool) {
	sum := func(names ...string) (total float64) {
		for _, v := range values(families, names...) {
			total += v
		}
		return total
	}
	if len(values(families, "vllm:num_requests_running", "llamacpp:requests_processing")) == 0 {
		return Load{}, false
	}
	load := Load{
		Running: int(sum("vllm:num_requests_running", "llamacpp:requests_processing")),
		Waiting: int(sum("vllm:num_requests_waiting", "llamacpp:requests_deferred")),
		Looked:  int64(sum("vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total")),
		Cached:  int64(sum("vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total", "llamacpp:prompt_tokens_cached_total")),
	}
	for _, v := range values(families, "vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc") {
		load.KV = max(load.KV, v) // of several engines the fullest counts
	}
	for _, v := range values(families, "llamacpp:prompt_tokens_total") {
		load.Looked += int64(v) + load.Cached // llama.cpp counts them apart
	}
	return load, true
}

// values returns the values of the first family of those names that is there: a
// release of vLLM may show a figure under its old name as well.
func values(families map[string]*dto.MetricFamily, names ...string) []float64 {
	for _, name := range names {
		family, ok := families[name]
		if !ok {
			continue
		}
		out := make([]float64, 0, len(family.Metric))
		for _, m := range family.Metric {
			switch {
			case m.Gauge != nil:
				out = append(out, m.Gauge.GetValue())
			case m.Counter != nil:
				out = append(out, m.Counter.GetValue())
			case m.Untyped != nil:
				out = append(out, m.Untyped.GetValue())
			}
		}
		return out
	}
	return nil
}
