package search

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math"

	"github.com/oklog/ulid/v2"

	"parley/shared/problem"
)

// ErrCursor is a cursor that this search has not given out.
var ErrCursor = badCursor()

func badCursor() error {
	var c problem.Check
	c.That(false, "cursor", "bad_cursor", "This is not a cursor that was given out for this search.")
	return c.Err()
}

// cursor is where a page of hits goes on: behind a match, among what was there when
// the first page was made, so that what comes up meanwhile shifts nothing.
type cursor struct {
	after Match
	until string // id
}

// Bytes of a cursor: what was searched for, the match, until.
const (
	sumBytes    = 8
	cursorBytes = sumBytes + 1 + 8 + 16 + 16
)

// encode returns the cursor for who searches for the same. It is no secret and no
// proof: whoever makes one up pages through hits of their own.
func (c cursor) encode(asked string) string {
	sum := sha256.Sum256([]byte(asked))
	out := append([]byte(nil), sum[:sumBytes]...)
	kind := byte(c.after.Kind)
	if c.after.Part {
		kind |= 0x80
	}
	out = append(out, kind)
	out = binary.BigEndian.AppendUint64(out, math.Float64bits(c.after.Score))
	for _, one := range []string{c.after.Message, c.until} {
		u, _ := ulid.ParseStrict(one) // it comes from a row's key
		out = append(out, u[:]...)
	}
	return base64.RawURLEncoding.EncodeToString(out)
}

// decodeCursor reads a cursor that was given out for that search.
func decodeCursor(s, asked string) (c cursor, err error) {
	in, err := base64.RawURLEncoding.Strict().DecodeString(s)
	sum := sha256.Sum256([]byte(asked))
	if err != nil || len(in) != cursorBytes || string(in[:sumBytes]) != string(sum[:sumBytes]) {
		return c, ErrCursor
	}
	in = in[sumBytes:]
	c.after.Kind, c.after.Part = Kind(in[0]&0x7f), in[0]&0x80 != 0
	c.after.Score = math.Float64frombits(binary.BigEndian.Uint64(in[1:]))
	c.after.Message, c.until = ulid.ULID(in[9:25]).String(), ulid.ULID(in[25:41]).String()
	if c.after.Kind > File || math.IsNaN(c.after.Score) {
		return c, ErrCursor
	}
	return c, nil
}
