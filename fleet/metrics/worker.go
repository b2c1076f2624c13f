package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"parley/shared/chat"
	"parley/shared/quota"
)

// Worker counts what a worker does. A nil one counts nothing.
type Worker struct {
	models names

	queueAge, firstToken, engineFirstToken, tokenGap *prometheus.HistogramVec
	claims, resumes, resets, replies                 *prometheus.CounterVec
	promptTokens, cachedTokens, completionTokens     *prometheus.CounterVec
	engineFailures, usageFiles, usageRecords         *prometheus.CounterVec
	answers                                          *prometheus.GaugeVec
}

// NewWorker registers a worker's collectors; models are those that may be a label,
// the first stands for prompts that name none.
func NewWorker(to prometheus.Registerer, models ...string) *Worker {
	m := maker{to}
	return &Worker{models: models,
		queueAge:         m.histogram("parley_queue_age_seconds", "Age of a prompt when a worker claimed its reply.", waits),
		firstToken:       m.histogram("parley_first_token_seconds", "From a reply's being asked for to its first token.", waits),
		engineFirstToken: m.histogram("parley_engine_first_token_seconds", "From the first call of the engine for a reply to its first token.", waits),
		tokenGap:         m.histogram("parley_token_gap_seconds", "Between two tokens of an answer.", gaps),
		claims:           m.counter("parley_attempts_total", "Attempts to answer that began.", labelPlan, labelModel),
		resumes:          m.counter("parley_resumed_answers_total", "Attempts that went on with the text of an earlier one.", labelPlan, labelModel),
		resets:           m.counter("parley_reset_answers_total", "Attempts that had to start a text over that was shown.", labelPlan, labelModel),
		replies:          m.counter("parley_replies_total", "Replies that ended, by how.", labelPlan, labelModel, labelStatus),
		promptTokens:     m.counter("parley_prompt_tokens_total", "Tokens of prompts of replies that ended.", labelPlan, labelModel),
		cachedTokens:     m.counter("parley_cached_tokens_total", "Tokens of those prompts that the engine had kept.", labelPlan, labelModel),
		completionTokens: m.counter("parley_completion_tokens_total", "Tokens of answers of replies that ended.", labelPlan, labelModel),
		engineFailures:   m.counter("parley_engine_failures_total", "Answers that the engine broke off or refused.", labelPlan, labelModel),
		usageFiles:       m.counter("parley_usage_files_total", "Files of usage records, by what became of writing them.", labelStatus),
		usageRecords:     m.counter("parley_usage_records_total", "Usage records that were written."),
		answers:          m.gauge("parley_answers_in_flight", "Replies that are being written now.", labelPlan, labelModel),
	}
}

// Usage counts a try to write a file of so many records.
func (w *Worker) Usage(records int, written bool) {
	if w == nil {
		return
	}
	if !written {
		w.usageFiles.WithLabelValues("failed").Inc()
		return
	}
	w.usageFiles.WithLabelValues("written").Inc()
	w.usageRecords.WithLabelValues().Add(float64(records))
}

// Answer is one attempt to answer. A nil one counts nothing. It is used by one
// goroutine at a time.
type Answer struct {
	w           *Worker
	plan, model string
	asked       time.Time // the reply
	engine      time.Time // was asked first
	last        time.Time // token
	resumed     bool
}

// Begin counts an attempt that was claimed at now, of a reply that was asked for at
// asked. End must follow.
func (w *Worker) Begin(p quota.Plan, model string, asked, now time.Time) *Answer {
	if w == nil {
		return nil
	}
	a := &Answer{w: w, plan: planOf(p), model: w.models.of(model), asked: asked}
	w.claims.WithLabelValues(a.plan, a.model).Inc()
	w.queueAge.WithLabelValues(a.plan, a.model).Observe(max(now.Sub(asked).Seconds(), 0))
	w.answers.WithLabelValues(a.plan, a.model).Inc()
	return a
}

// Resume counts that the attempt goes on with earlier text.
func (a *Answer) Resume() {
	if a != nil {
		a.resumed = true
		a.w.resumes.WithLabelValues(a.plan, a.model).Inc()
	}
}

// Reset counts that a text which was shown starts over.
func (a *Answer) Reset() {
	if a != nil {
		a.w.resets.WithLabelValues(a.plan, a.model).Inc()
	}
}

// Engine notes that the engine is asked.
func (a *Answer) Engine(now time.Time) {
	if a != nil && a.engine.IsZero() {
		a.engine = now
	}
}

// Token notes that a token came.
func (a *Answer) Token(now time.Time) {
	if a == nil {
		return
	}
	switch {
	case !a.last.IsZero():
		a.w.tokenGap.WithLabelValues(a.plan, a.model).Observe(now.Sub(a.last).Seconds())
	case !a.resumed:
		a.w.firstToken.WithLabelValues(a.plan, a.model).Observe(max(now.Sub(a.asked).Seconds(), 0))
		a.w.engineFirstToken.WithLabelValues(a.plan, a.model).Observe(now.Sub(a.engine).Seconds())
	}
	a.last = now
}

// Broke counts that the engine broke off or refused.
func (a *Answer) Broke() {
	if a != nil {
		a.w.engineFailures.WithLabelValues(a.plan, a.model).Inc()
	}
}

// Reply counts how the reply ended.
func (a *Answer) Reply(s chat.Status, u chat.Usage) {
	if a == nil {
		return
	}
	a.w.replies.WithLabelValues(a.plan, a.model, string(s)).Inc()
	a.w.promptTokens.WithLabelValues(a.plan, a.model).Add(float64(max(u.PromptTokens, 0)))
	a.w.cachedTokens.WithLabelValues(a.plan, a.model).Add(float64(max(u.CachedTokens, 0)))
	a.w.completionTokens.WithLabelValues(a.plan, a.model).Add(float64(max(u.CompletionTokens, 0)))
}

// End counts that the attempt is over.
func (a *Answer) End() {
	if a != nil {
		a.w.answers.WithLabelValues(a.plan, a.model).Dec()
	}
}
