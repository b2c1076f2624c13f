package client

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"parley/shared/problem"
)

// Error is what Parley answered instead of a result.
type Error struct {
	Status     int             // of HTTP
	Code       string          // stable word, e.g. "email_taken"
	Detail     string          // one sentence for people
	Fields     []problem.Field // with 422: every bad field
	RequestID  string          // what the operators find the request by
	RetryAfter time.Duration   // zero when the answer names none
}

// Error is the detail, followed by what is wrong with each field.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Detail)
	for _, f := range e.Fields {
		if f.Detail != e.Detail {
			fmt.Fprintf(&b, "\n  %s: %s", f.Field, f.Detail)
		}
	}
	return b.String()
}

// IsCode reports whether err is an answer of Parley's with that code.
func IsCode(err error, code string) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}

// Unreachable is returned when nothing that speaks HTTP answers at the address.
type Unreachable struct {
	URL string
	Err error
}

// Error says which address didn't answer.
func (e *Unreachable) Error() string { return "Parley doesn't answer at " + e.URL }

// Unwrap returns what the network said.
func (e *Unreachable) Unwrap() error { return e.Err }

// maxProblem is the size in bytes of a problem document that is still read.
const maxProblem = 64 << 10

// failure reads an answer that isn't a success. What stands between (a load
// balancer, say) may answer in its own words; they are not shown.
func failure(res *http.Response) *Error {
	e := &Error{Status: res.StatusCode, RetryAfter: retryAfter(res.Header, time.Now())}
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxProblem)) // half a document is no document
	var doc struct {
		Code      string          `json:"code"`
		Detail    string          `json:"detail"`
		RequestID string          `json:"request_id"`
		Errors    []problem.Field `json:"errors"`
	}
	if json.Unmarshal(body, &doc) == nil && doc.Code != "" {
		e.Code, e.Detail, e.RequestID, e.Fields = doc.Code, doc.Detail, doc.RequestID, doc.Errors
		return e
	}
	e.Code = "http_" + strconv.Itoa(res.StatusCode)
	e.Detail = fmt.Sprintf("The server answered %d (%s).", res.StatusCode, http.StatusText(res.StatusCode))
	return e
}

// retryAfter reads a Retry-After in either of its forms, seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil && n >= 0 {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
