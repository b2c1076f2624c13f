package frame

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"parley/shared/problem"
)

// Position is how much of a reply a client has seen. It is the id of every event
// and means the same to every relay, whether frames or only the stored text are
// left: the sum proves that the text which the client has is the beginning of
// the one at hand.
type Position struct {
	Attempt int    // the attempt it was told of, 0: none yet
	Offset  int    // bytes of text
	Sum     uint64 // of these bytes
	Ended   bool   // it has seen the end, too
}

// ErrBadID refuses an event id that no relay has given out.
var ErrBadID = problem.New(problem.Malformed, "bad_event_id", "This is not the id of an event of this stream.")

// maxOffset bounds what an id may claim; no reply is longer (bytes).
const maxOffset = 64 << 20

// fnvBasis and fnvPrime are FNV-1a's (64 bits): a hash whose state is the sum.
const (
	fnvBasis uint64 = 0xcbf29ce484222325
	fnvPrime uint64 = 0x100000001b3
)

// Begin is where a reply begins.
func Begin() Position { return Position{Sum: fnvBasis} }

// Advance returns the position after text.
func (p Position) Advance(text string) Position {
	for i := range len(text) {
		p.Sum = (p.Sum ^ uint64(text[i])) * fnvPrime
	}
	p.Offset += len(text)
	return p
}

// Within reports whether text begins with what was seen at p.
func (p Position) Within(text string) bool {
	if p.Offset > len(text) || p.Offset < len(text) && !utf8.RuneStart(text[p.Offset]) {
		return false
	}
	return Begin().Advance(text[:p.Offset]).Sum == p.Sum
}

// String spells the position as an event id: attempt-offset-sum, with an e
// behind it after the end.
func (p Position) String() string { return string(p.Append(nil)) }

// Append adds the event id to b.
func (p Position) Append(b []byte) []byte {
	b = append(strconv.AppendInt(b, int64(p.Attempt), 10), '-')
	b = append(strconv.AppendInt(b, int64(p.Offset), 10), '-')
	b = strconv.AppendUint(b, p.Sum, 36)
	if p.Ended {
		b = append(b, "-e"...)
	}
	return b
}

// ParsePosition reads an event id in its one canonical spelling; an empty one is
// the beginning. Anything else is ErrBadID.
func ParsePosition(s string) (Position, error) {
	if s == "" {
		return Begin(), nil
	}
	if len(s) > 48 {
		return Position{}, ErrBadID
	}
	rest, ended := strings.CutSuffix(s, "-e")
	parts := strings.Split(rest, "-")
	if len(parts) != 3 {
		return Position{}, ErrBadID
	}
	attempt, err1 := strconv.ParseUint(parts[0], 10, 31)
	offset, err2 := strconv.ParseUint(parts[1], 10, 31)
	sum, err3 := strconv.ParseUint(parts[2], 36, 64)
	p := Position{Attempt: int(attempt), Offset: int(offset), Sum: sum, Ended: ended}
	if err1 != nil || err2 != nil || err3 != nil || p.Offset > maxOffset || p.String() != s {
		return Position{}, ErrBadID
	}
	return p, nil
}
