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

// cursor is where a page of hits goes on: behind a place, among what was there when the
// first page was made, so that what comes up meanwhile shifts nothing.
type cursor struct {
	Place
	until string // id
}

// Bytes of a cursor: what was searched for, the place's match, until, the scale; then 8
// for each weight.
const (
	sumBytes    = 8
	cursorBytes = sumBytes + 1 + 8 + 16 + 16 + 8
)

// Bits beside a match's kind.
const (
	partBit  = 0x80
	looseBit = 0x40
)

// encode returns the cursor for who searches for the same. It is no secret and no
// proof: whoever makes one up pages through hits of their own.
func (c cursor) encode(asked string) string {
	sum := sha256.Sum256([]byte(asked))
	out := append([]byte(nil), sum[:sumBytes]...)
	kind := byte(c.Kind)
	if c.Part {
		kind |= partBit
	}
	if c.Loose {
		kind |= looseBit
	}
	out = appendFloat(append(out, kind), c.Score)
	for _, one := range []string{c.Message, c.until} {
		u, _ := ulid.ParseStrict(one) // it comes from a row's key
		out = append(out, u[:]...)
	}
	out = appendFloat(out, c.Mean)
	for _, w := range c.Weights {
		out = appendFloat(out, w)
	}
	return base64.RawURLEncoding.EncodeToString(out)
}

// decodeCursor reads a cursor that was given out for that search, which has so many
// clauses that rank.
func decodeCursor(s, asked string, clauses int) (c cursor, err error) {
	in, err := base64.RawURLEncoding.Strict().DecodeString(s)
	sum := sha256.Sum256([]byte(asked))
	if err != nil || len(in) != cursorBytes+8*clauses || string(in[:sumBytes]) != string(sum[:sumBytes]) {
		return c, ErrCursor
	}
	in = in[sumBytes:]
	c.Kind, c.Part, c.Loose = Kind(in[0]&^(partBit|looseBit)), in[0]&partBit != 0, in[0]&looseBit != 0
	c.Message, c.until = ulid.ULID(in[9:25]).String(), ulid.ULID(in[25:41]).String()
	sound := c.Kind <= File
	number := func(b []byte) float64 {
		f := math.Float64frombits(binary.BigEndian.Uint64(b))
		sound = sound && f >= 0 && !math.IsInf(f, 1)
		return f
	}
	c.Score, c.Mean = number(in[1:]), number(in[41:])
	for in = in[49:]; len(in) > 0; in = in[8:] {
		c.Weights = append(c.Weights, number(in))
	}
	if !sound || c.Mean < 1 {
		return c, ErrCursor
	}
	return c, nil
}

func appendFloat(b []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(b, math.Float64bits(f))
}
