// Package id makes and checks the sortable identifiers of everything in Parley.
//
// An identifier is a ULID: 48 bits of milliseconds and 80 random bits, written
// in 26 characters that sort by time. Messages need no counter because of that.
package id

import (
	"crypto/rand"
	"time"

	"github.com/oklog/ulid/v2"
)

// Source hands out identifiers: New in production, a fixed sequence in tests.
type Source func(at time.Time) string

// New returns a fresh identifier of the given time.
func New(at time.Time) string {
	return ulid.MustNew(ulid.Timestamp(at), rand.Reader).String()
}

// Valid reports whether s is an identifier in its one canonical spelling.
func Valid(s string) bool {
	u, err := ulid.ParseStrict(s)
	return err == nil && u.String() == s
}

// Time returns when the identifier was made, to the millisecond, and the zero
// time for what is no identifier.
func Time(s string) time.Time {
	u, err := ulid.ParseStrict(s)
	if err != nil {
		return time.Time{}
	}
	return ulid.Time(u.Time()).UTC()
}

// Floor returns the least identifier of a time, to the millisecond: what sorts
// before it was made before.
func Floor(at time.Time) string {
	var u ulid.ULID
	_ = u.SetTime(ulid.Timestamp(at)) // fails only for times after the year 10889
	return u.String()
}

// Next returns the identifier directly after s in sort order. A question's
// reply is found that way, so that one row can stand for both.
func Next(s string) string { return step(s, 1) }

// Prev returns the identifier directly before s in sort order.
func Prev(s string) string { return step(s, -1) }

// step moves by one within the random part; the ends wrap, which no random
// identifier meets in practice and which keeps Prev(Next(s)) == s always.
func step(s string, by int) string {
	u, err := ulid.ParseStrict(s)
	if err != nil {
		return s
	}
	for i := len(u) - 1; i >= 6; i-- {
		if by > 0 {
			u[i]++
			if u[i] != 0 {
				break
			}
		} else {
			u[i]--
			if u[i] != 0xff {
				break
			}
		}
	}
	return u.String()
}
