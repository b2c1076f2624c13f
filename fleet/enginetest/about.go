package enginetest

import (
	"encoding/json"
	"fmt"
	"net/http"
)

func (e *Engine) health(w http.ResponseWriter, _ *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprint(w, `{"status":"ok"}`)
}

// size is the context and the slots that the engine says it has.
func (e *Engine) size() (tokens, slots int) {
	tokens, slots = 4096, 4
	if e.Context > 0 {
		tokens = e.Context
	}
	if e.Slots > 0 {
		slots = e.Slots
	}
	return tokens, slots
}

func (e *Engine) props(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.VLLM {
		http.NotFound(w, r)
		return
	}
	tokens, slots := e.size()
	_, _ = fmt.Fprintf(w, `{"total_slots":%d,"default_generation_settings":{"n_ctx":%d}}`, slots, tokens)
}

func (e *Engine) models(w http.ResponseWriter, _ *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	tokens, _ := e.size()
	_, _ = fmt.Fprintf(w, `{"object":"list","data":[{"id":%q,"object":"model","created":1,"owned_by":"enginetest","max_model_len":%d,"meta":{"n_ctx":%d}}]}`,
		e.Model, tokens, tokens)
}

func (e *Engine) showSlots(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.VLLM {
		http.NotFound(w, r)
		return
	}
	tokens, slots := e.size()
	list := make([]map[string]any, slots)
	for i := range list {
		list[i] = map[string]any{"id": i, "n_ctx": tokens, "speculative": false, "is_processing": i < e.slots.running}
	}
	_ = json.NewEncoder(w).Encode(list) // the client may have gone
}

// metrics has the names and types of llama.cpp, or of vLLM.
func (e *Engine) metrics(w http.ResponseWriter, _ *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, slots := e.size()
	running, waiting := e.slots.running, len(e.slots.waiting)
	full := 0.8 * float64(running) / float64(slots) // vLLM counts what answers use, not what is kept of prompts
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	print := func(name, kind string, v any) {
		_, _ = fmt.Fprintf(w, "# TYPE %s %s\n", name, kind)
		if e.VLLM {
			name += fmt.Sprintf(`{model_name=%q}`, e.Model)
		}
		_, _ = fmt.Fprintf(w, "%s %v\n", name, v)
	}
	if e.VLLM {
		print("vllm:num_requests_running", "gauge", running)
		print("vllm:num_requests_waiting", "gauge", waiting)
		print("vllm:kv_cache_usage_perc", "gauge", full)
		print("vllm:prefix_cache_queries_total", "counter", e.total.prompt)
		print("vllm:prefix_cache_hits_total", "counter", e.total.cached)
		print("vllm:prompt_tokens_total", "counter", e.total.prompt)
		print("vllm:generation_tokens_total", "counter", e.total.output)
		return
	}
	print("llamacpp:prompt_tokens_total", "counter", e.total.prompt-e.total.cached)
	print("llamacpp:prompt_tokens_cached_total", "counter", e.total.cached)
	print("llamacpp:tokens_predicted_total", "counter", e.total.output)
	print("llamacpp:requests_processing", "gauge", running)
	print("llamacpp:requests_deferred", "gauge", waiting)
}

// tokenize counts words, as vLLM counts tokens.
func (e *Engine) tokenize(w http.ResponseWriter, r *http.Request) {
	var in Request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = fmt.Fprintf(w, `{"count":%d}`, len(in.tokens()))
}
