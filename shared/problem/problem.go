// Package problem is Parley's one error type.
//
// A failure that a user or a queue has to understand is an *Error: a Kind that
// adapters act on, a Code that clients switch on and that never changes its
// meaning, and a Message that is safe to show. The cause is for operators and
// never leaves the process except in a log. An error of any other type is
// Internal.
//
// HTTP turns a Kind into a status; queue consumers retry Unavailable and
// Internal and acknowledge everything else.
package problem

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of failure an Error is.
type Kind string

// The kinds, from the caller's fault to ours.
const (
	Malformed       Kind = "malformed"       // the request can't be read: 400
	Invalid         Kind = "invalid"         // it can be read, its values are wrong: 422
	Unauthenticated Kind = "unauthenticated" // 401
	Forbidden       Kind = "forbidden"       // 403
	NotFound        Kind = "not_found"       // absent, or somebody else's: 404
	NotAllowed      Kind = "not_allowed"     // the path is known, the method isn't: 405
	Conflict        Kind = "conflict"        // 409
	TooLarge        Kind = "too_large"       // 413
	Unsupported     Kind = "unsupported"     // media type: 415
	Exhausted       Kind = "exhausted"       // a limit of the caller's own: 429
	Unavailable     Kind = "unavailable"     // try again later: 503
	Internal        Kind = "internal"        // 500
)

// Field names one bad input value. Field is a path as the client wrote it.
type Field struct {
	Field  string `json:"field"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Error is a failure with a stable code and a message that is safe for users.
type Error struct {
	Kind       Kind
	Code       string        // stable word, e.g. "email_taken"
	Message    string        // one sentence for users
	Fields     []Field       // for Invalid: every bad field at once
	RetryAfter time.Duration // for Exhausted and Unavailable
	Err        error         // cause, for operators only
}

// New returns an Error of that kind, code and user-safe message.
func New(kind Kind, code, message string) *Error {
	return &Error{Kind: kind, Code: code, Message: message}
}

// Error gives the whole story, cause included: for logs, not for users.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Code + ": " + e.Message
	}
	return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Because returns a copy of e that carries its cause.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Err = cause
	return &c
}

// After returns a copy of e that tells the caller when to come back.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// Is makes errors.Is compare by code.
func (e *Error) Is(target error) bool {
	var t *Error
	return errors.As(target, &t) && t.Code == e.Code
}

// From finds the *Error in err's chain; a foreign error becomes Internal.
// It returns nil for nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Kind: Internal, Code: "internal", Message: "Something went wrong on our side.", Err: err}
}

// Retryable reports whether the same call may succeed later without a change
// by the caller: Unavailable and Internal.
func Retryable(err error) bool {
	e := From(err)
	return e != nil && (e.Kind == Unavailable || e.Kind == Internal)
}

// Check collects the bad fields of one input; its Err is nil when there is none.
type Check struct{ fields []Field }

// That notes field as bad with code and detail unless ok.
func (c *Check) That(ok bool, field, code, detail string) {
	if !ok {
		c.fields = append(c.fields, Field{Field: field, Code: code, Detail: detail})
	}
}

// Err returns one Invalid error naming every noted field, or nil. Its code is
// that of the only field, or "invalid" when there are several.
func (c *Check) Err() error {
	if len(c.fields) == 0 {
		return nil
	}
	code, message := "invalid", "Some values are not valid."
	if len(c.fields) == 1 {
		code, message = c.fields[0].Code, c.fields[0].Detail
	}
	return &Error{Kind: Invalid, Code: code, Message: message, Fields: c.fields}
}
