// Package trace says which trace a reply belongs to, as W3C Trace Context's
// traceparent says it, in so little code that functions can afford it.
//
// A request may bring a trace of its own; then that is carried along with the
// reply's prompt. For all others a reply's trace follows from its id, so that
// nothing needs to be carried, and everybody who has to do with the reply finds the
// same trace.
package trace

import (
	"context"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/oklog/ulid/v2"
)

// Header is the name of the header, and of the queue message's attribute.
const Header = "traceparent"

// Of returns the traceparent of a reply that brings none: its ULID is the trace,
// the ULID's random end is the first span. It is empty for what is no ULID.
func Of(reply string) string {
	u, err := ulid.ParseStrict(reply)
	if err != nil {
		return ""
	}
	return "00-" + hex.EncodeToString(u[:]) + "-" + hex.EncodeToString(u[8:]) + "-01"
}

// Valid reports whether s is a traceparent of version 00.
func Valid(s string) bool {
	parts := strings.Split(s, "-")
	return len(parts) == 4 && parts[0] == "00" && isID(parts[1], 32) && isID(parts[2], 16) && isHex(parts[3], 2)
}

// isID reports whether s has that many digits of which one isn't zero.
func isID(s string, digits int) bool { return isHex(s, digits) && strings.Trim(s, "0") != "" }

func isHex(s string, digits int) bool {
	return len(s) == digits && strings.Trim(s, "0123456789abcdef") == ""
}

type key struct{}

// With returns a context that carries a traceparent; one that isn't Valid is left
// out.
func With(ctx context.Context, parent string) context.Context {
	if !Valid(parent) {
		return ctx
	}
	return context.WithValue(ctx, key{}, parent)
}

// From returns the traceparent that a context carries, empty if it carries none.
func From(ctx context.Context) string {
	parent, _ := ctx.Value(key{}).(string)
	return parent
}

// Incoming returns the traceparent that a request brings, empty if it brings none:
// the header of that name or, where AWS samples it, X-Ray's.
func Incoming(h http.Header) string {
	if parent := h.Get(Header); Valid(parent) {
		return parent
	}
	return ofXRay(h.Get("X-Amzn-Trace-Id"))
}

// ofXRay reads Root=1-<8 digits>-<24 digits>;Parent=<16 digits>;Sampled=1.
func ofXRay(header string) string {
	var root, span, sampled string
	for field := range strings.SplitSeq(header, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Root":
			root = value
		case "Parent":
			span = value
		case "Sampled":
			sampled = value
		}
	}
	version, id, _ := strings.Cut(root, "-")
	parent := "00-" + strings.Replace(id, "-", "", 1) + "-" + span + "-01"
	if version != "1" || sampled != "1" || !Valid(parent) {
		return ""
	}
	return parent
}
