package api

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"parley/shared/problem"
)

// Document is a problem document as RFC 9457 has it.
type Document struct {
	Type      string          `json:"type"`
	Title     string          `json:"title"`
	Status    int             `json:"status"`
	Detail    string          `json:"detail"`
	Code      string          `json:"code"`
	RequestID string          `json:"request_id"`
	Errors    []problem.Field `json:"errors,omitempty"`
}

var statusOf = map[problem.Kind]int{
	problem.Malformed:       http.StatusBadRequest,
	problem.Invalid:         http.StatusUnprocessableEntity,
	problem.Unauthenticated: http.StatusUnauthorized,
	problem.Forbidden:       http.StatusForbidden,
	problem.NotFound:        http.StatusNotFound,
	problem.NotAllowed:      http.StatusMethodNotAllowed,
	problem.Conflict:        http.StatusConflict,
	problem.TooLarge:        http.StatusRequestEntityTooLarge,
	problem.Unsupported:     http.StatusUnsupportedMediaType,
	problem.Exhausted:       http.StatusTooManyRequests,
	problem.Unavailable:     http.StatusServiceUnavailable,
	problem.Internal:        http.StatusInternalServerError,
}

// Status returns the HTTP status of a kind.
func Status(k problem.Kind) int { return statusOf[k] }

// WriteProblem answers with e as a problem document.
func WriteProblem(w http.ResponseWriter, requestID string, e *problem.Error) {
	status := statusOf[e.Kind]
	switch {
	case e.RetryAfter > 0:
		w.Header().Set("Retry-After", seconds(e.RetryAfter))
	case e.Kind == problem.Exhausted || e.Kind == problem.Unavailable:
		w.Header().Set("Retry-After", "1")
	}
	if e.Kind == problem.Unauthenticated {
		w.Header().Set("WWW-Authenticate", `Bearer realm="parley"`)
	}
	body, err := json.Marshal(Document{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: e.Message, Code: e.Code, RequestID: requestID, Errors: e.Fields,
	})
	if err != nil {
		body = []byte(`{"type":"about:blank","title":"Internal Server Error","status":500,"code":"internal"}`)
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone; there is nobody to tell
}

func seconds(d time.Duration) string {
	return strconv.Itoa(int(math.Ceil(d.Seconds())))
}
