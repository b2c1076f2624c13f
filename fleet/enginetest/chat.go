package enginetest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// chat answers a request, after its turn.
func (e *Engine) chat(w http.ResponseWriter, r *http.Request) {
	var in Request
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil || len(in.Messages) == 0 {
		refuse(w, http.StatusBadRequest, "invalid_request_error", "bad request")
		return
	}
	in.Body = body
	in.Session = r.Header.Get("X-Session-Id")
	in.Key = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	job := e.begin(in)
	defer e.end(job)
	if err := job.refused(); err != nil {
		job.entry.State = Refused
		refuse(w, err.status, err.kind, err.message)
		return
	}
	if !e.enter(r.Context(), in.Priority) {
		job.entry.State = Aborted
		return
	}
	defer e.leave()
	job.run(w, r)
}

// refusal is an answer other than 200.
type refusal struct {
	status        int
	kind, message string
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": status, "message": message, "type": kind}})
}

// job is one request on its way.
type job struct {
	*Engine
	in       Request
	prompt   []string // tokens
	question string
	begun    string
	order    order
	obeys    bool
	bad      error // of the orders
	entry    Entry
	vllm     bool
}

// begin notes a request and takes it apart.
func (e *Engine) begin(in Request) *job {
	e.mu.Lock()
	e.busy++
	if !e.forget {
		e.requests = append(e.requests, in)
	}
	j := &job{Engine: e, in: in, prompt: in.tokens(), vllm: e.VLLM}
	j.obeys, j.order = e.Orders, none(e.Words)
	e.mu.Unlock()
	j.question, j.begun = in.split(j.vllm)
	if j.obeys {
		j.order, j.bad = j.order.read(j.question)
	}
	j.entry = Entry{Question: firstWord(j.question), Session: in.Session, Key: in.Key, Prefix: len(j.begun), Prompt: len(j.prompt)}
	e.note(&j.entry)
	return j
}

// end notes how a request ended.
func (e *Engine) end(j *job) {
	e.mu.Lock()
	e.busy--
	e.total.output += j.entry.Sent
	e.mu.Unlock()
	if j.entry.State != Finished {
		e.note(&j.entry)
	}
}

// refused says why a request gets no answer, if so.
func (j *job) refused() *refusal {
	j.mu.Lock()
	down, status, limit, model := j.down(), j.Refuse, j.Context, j.Model
	j.mu.Unlock()
	both := j.in.ContinueFinal != nil && *j.in.ContinueFinal && (j.in.AddGeneration == nil || *j.in.AddGeneration)
	switch {
	case down:
		return &refusal{http.StatusServiceUnavailable, "unavailable_error", "Loading model"}
	case status != 0:
		return &refusal{status, "server_error", "no"}
	case j.bad != nil:
		return &refusal{http.StatusBadRequest, "invalid_request_error", j.bad.Error()}
	case j.order.refuse != 0 && j.begun == "" && j.once(j.question, "refuse"):
		return &refusal{j.order.refuse, "server_error", "refused on order"}
	case model != "" && j.in.Model != "" && j.in.Model != model:
		return &refusal{http.StatusNotFound, "NotFoundError", "The model `" + j.in.Model + "` does not exist."}
	case limit > 0 && len(j.prompt) > limit:
		return &refusal{http.StatusBadRequest, "exceed_context_size_error", fmt.Sprintf(
			"the request exceeds the available context size: this model's maximum context length is %d tokens", limit)}
	case j.vllm && both:
		return &refusal{http.StatusBadRequest, "BadRequestError", "Cannot set both `continue_final_message` and `add_generation_prompt` to True."}
	case j.begun != "" && j.in.grammar():
		return &refusal{http.StatusBadRequest, "invalid_request_error", "Failed to initialize samplers: std::exception"}
	}
	return nil
}

// run works the prompt out and writes the answer.
func (j *job) run(w http.ResponseWriter, r *http.Request) {
	cached := j.lookup(j.in, j.prompt)
	j.entry.Cached = cached
	j.mu.Lock()
	prefill := j.Prefill * time.Duration(len(j.prompt)-cached)
	whole := j.answer(j.in, j.question, j.order)
	noUsage, split := j.NoUsage, j.SplitRunes
	j.mu.Unlock()
	if !wait(r.Context(), prefill) {
		j.entry.State = Aborted
		return
	}
	j.remember(j.in, j.prompt)
	tokens, place := rest(whole, len(j.begun))
	if !strings.HasPrefix(strings.Join(whole, ""), j.begun) {
		tokens, place, j.entry.Strange = whole, 0, true // that was never said here
	}
	tokens, made := cutAtStop(tokens, j.in.Stop)
	out := writer{w: w, model: j.in.Model, stream: j.in.Stream, split: split, usage: !noUsage && (j.in.StreamOptions.Usage || !j.in.Stream)}
	out.calls = j.in.mustCall()
	if out.calls {
		out.tool = j.in.Tools[0].Function.Name
	}
	if !j.write(&out, r, tokens, place) {
		return
	}
	finish := "stop"
	switch {
	case j.entry.Finish == "length":
		finish, made = "length", j.entry.Sent
	case out.calls:
		finish = "tool_calls"
	}
	j.entry.Sent, j.entry.Finish = made, finish
	j.remember(j.in, append(j.prompt[:len(j.prompt):len(j.prompt)], tokens...))
	j.entry.State = Finished
	j.note(&j.entry) // first, so that whoever has the whole answer finds it in the log
	out.end(finish, usage{len(j.prompt), made, len(j.prompt) + made, details{cached}}, j.begun)
}

// write sends the tokens in their time; false if the answer ended before its end.
func (j *job) write(out *writer, r *http.Request, tokens []string, place int) bool {
	pace, limit := j.pace(j.order), j.in.limit()
	out.begin()
	for i, token := range tokens {
		if i == limit {
			j.entry.Finish = "length"
			return true
		}
		what := j.fault(i)
		if what == nothing && j.obeys {
			what = j.ordered(j.question, j.order, place+i, i)
		}
		if what != nothing && !j.mishap(out, r, what, token) {
			return false
		}
		if !wait(r.Context(), pace) {
			j.left()
			return false
		}
		out.token(token)
		j.entry.Sent++
	}
	if len(tokens) == limit {
		j.entry.Finish = "length" // the answer's end would have been one token more
	}
	return true
}

// left notes that the client has gone, perhaps for what was done to it.
func (j *job) left() {
	if j.entry.State != Broken {
		j.entry.State = Aborted
	}
}

// mishap has something happen; true if the answer goes on.
func (j *job) mishap(out *writer, r *http.Request, what mishap, token string) bool {
	j.entry.State = Broken
	switch what {
	case garbage:
		text := j.Garbage
		if text == "" {
			text = `{"choices":[{"delta":{"content":`
		}
		out.raw("data: " + text + "\n\n")
		return true
	case hang:
		<-r.Context().Done()
		return false
	case half:
		out.raw(`data: {"choices":[{"index":0,"delta":{"content":"` + token)
	case kill:
		if j.Exit != nil {
			j.Exit()
		}
	}
	panic(http.ErrAbortHandler) // end runs all the same
}
