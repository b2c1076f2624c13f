// Package quota holds the plans and what each may use.
//
// Messages are counted per user in windows of one hour that begin on the hour
// (UTC). The count is raised in the same write that accepts a message, so that
// parallel requests can't pass a limit, and given back when a reply fails
// without being the user's wish.
package quota

import (
	"fmt"
	"time"
)

// Plan is what a user has subscribed to.
type Plan string

// The plans.
const (
	Free    Plan = "free"
	Premium Plan = "premium"
)

// Valid reports whether p is a known plan.
func (p Plan) Valid() bool { return p == Free || p == Premium }

// Window is the period over which messages are counted.
const Window = time.Hour

// Limits is what one user may use. A zero field stands for the plan's own.
type Limits struct {
	MessagesPerHour  int `json:"messages_per_hour"`
	TokensPerMessage int `json:"tokens_per_message"`

	StorageBytes int64 `json:"storage_bytes"` // of all files
}

// Of returns the limits of a plan with a user's own, where set, in their place.
func Of(p Plan, own Limits) Limits {
	l := Limits{MessagesPerHour: 40, TokensPerMessage: 4096, StorageBytes: 5 << 30}
	if p == Premium {
		l = Limits{MessagesPerHour: 80, TokensPerMessage: 128 * 1024, StorageBytes: 50 << 30}
	}
	if own.MessagesPerHour > 0 {
		l.MessagesPerHour = own.MessagesPerHour
	}
	if own.TokensPerMessage > 0 {
		l.TokensPerMessage = own.TokensPerMessage
	}
	if own.StorageBytes > 0 {
		l.StorageBytes = own.StorageBytes
	}
	return l
}

// Hour names the window that at lies in; it sorts by time.
func Hour(at time.Time) string { return at.UTC().Format("2006010215") }

// Reset returns how long it is from at to the end of its window.
func Reset(at time.Time) time.Duration {
	return at.UTC().Truncate(Window).Add(Window).Sub(at)
}

// Headers returns the RateLimit and RateLimit-Policy fields (IETF draft
// "RateLimit header fields for HTTP") for a user who has used that many
// messages of limit in the window of at.
func Headers(limit, used int, at time.Time) (rateLimit, policy string) {
	left := max(limit-used, 0)
	seconds := int((Reset(at) + time.Second - 1) / time.Second)
	return fmt.Sprintf(`"messages";r=%d;t=%d`, left, seconds),
		fmt.Sprintf(`"messages";q=%d;w=%d`, limit, int(Window/time.Second))
}
