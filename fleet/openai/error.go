package openai

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"parley/shared/api"
	"parley/shared/chat"
	"parley/shared/problem"
)

// failure is how the protocol reports an error, also within a stream.
type failure struct {
	Error failureBody `json:"error"`
}

type failureBody struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    string  `json:"code"`
}

// patience is the longest Retry-After that the protocol's clients wait for by
// themselves; beyond it they are told not to try.
const patience = time.Minute

// describe puts an error into the protocol's words: SDKs choose their exception by
// the status, programs look at the code.
func describe(p *problem.Error) (status int, f failure) {
	status, f.Error = api.Status(p.Kind), failureBody{Message: p.Message, Type: "invalid_request_error", Code: p.Code}
	if len(p.Fields) > 0 {
		param := path(p.Fields[0].Field)
		f.Error.Message, f.Error.Code, f.Error.Param = p.Fields[0].Detail, p.Fields[0].Code, &param
	}
	if f.Error.Code == "unknown_model" || f.Error.Code == "model_not_allowed" {
		param := "model"
		f.Error.Code, f.Error.Param = "model_not_found", &param
		return http.StatusNotFound, f
	}
	switch p.Kind {
	case problem.Unauthenticated:
		f.Error.Code = "invalid_api_key"
	case problem.Invalid, problem.Malformed:
		status = http.StatusBadRequest
	case problem.Exhausted:
		f.Error.Type = "requests"
		if chat.IsLimit(p) {
			f.Error.Code = "rate_limit_exceeded"
		}
	case problem.Unavailable, problem.Internal:
		f.Error.Type = "server_error"
	}
	return status, f
}

// path spells a field as the protocol does: messages[2].content.
func path(field string) string {
	parts := strings.Split(field, ".")
	for i, p := range parts {
		if _, err := strconv.ParseUint(p, 10, 31); err == nil {
			parts[i] = "[" + p + "]"
		} else if i > 0 {
			parts[i] = "." + p
		}
	}
	return strings.Join(parts, "")
}

func writeError(w http.ResponseWriter, p *problem.Error) {
	status, f := describe(p)
	h := w.Header()
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
	} else if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	if p.RetryAfter > patience {
		h.Set("X-Should-Retry", "false")
	}
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="parley"`)
	}
	_ = api.WriteJSON(w, status, f) // of strings: it always encodes
}

// Why a reply that was accepted brings no answer.
var (
	errReset = problem.New(problem.Unavailable, "answer_restarted",
		"The answer had to start over, and what was sent can't be taken back. Please try again.")
	errEnding = problem.New(problem.Unavailable, "shutting_down",
		"This server is being replaced. Please try again.")
	errTimeout = problem.New(problem.Unavailable, "timeout",
		"The answer took too long. Please try again, with stream or a smaller max_completion_tokens.")
)

// problemOf says in the words of an error why a reply failed.
func problemOf(f *chat.Failure) *problem.Error {
	if f == nil {
		return problem.From(chat.ErrNoMessage)
	}
	kind := problem.Internal
	switch *f {
	case chat.TooLong, chat.Refused:
		kind = problem.Invalid
	case chat.DeadlineExceeded:
		kind = problem.Unavailable
	}
	p := problem.New(kind, f.Code, f.Detail)
	if *f == chat.TooLong {
		p.Fields = []problem.Field{{Field: "messages", Code: f.Code, Detail: f.Detail}}
	}
	return p
}
