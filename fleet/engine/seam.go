package engine

import "strings"

// seam joins an answer's beginning to what the engine adds. Chat templates may
// trim an assistant's message, and then the engine writes the white space at its
// end again. So it is left out of what the engine gets, and taken off what comes
// back, text and tokens alike: they were counted when they came for the first time.
//
// Nor must they use up the answer's limit. The engine may write as many more tokens
// as that white space can have, and the answer ends here when it is long enough.
type seam struct {
	kept     string // what the engine goes on from
	pending  string // white space that it may repeat
	limit    int    // tokens that the answer may have
	padded   bool   // the engine was asked for more
	seen     int    // tokens of the engine, where it doesn't count itself: chunks
	repeated int    // of them, those that brought nothing new
}

const space = " \t\r\n"

// newSeam returns the seam of an answer that may have so many more tokens, and how
// many the engine is to be asked for.
func newSeam(begun string, tokens int) (seam, int) {
	kept := strings.TrimRight(begun, space)
	if kept == begun {
		return seam{kept: kept, limit: tokens}, tokens
	}
	return seam{kept: kept, pending: begun[len(kept):], limit: tokens, padded: true}, tokens + len(begun) - len(kept)
}

// pass takes off a chunk what was there before, and what is too much, also where an
// engine doesn't keep the limit. It reports whether the answer has come to it.
func (s *seam) pass(c *Chunk) (full bool) {
	if c.Usage != nil {
		s.seen = c.Usage.CompletionTokens
	} else if c.Text != "" {
		s.seen++
	}
	if s.pending != "" && c.Text != "" {
		if c.Text = s.join(c.Text); c.Text == "" {
			s.repeated = s.seen
		}
	}
	tokens := s.seen - s.repeated
	if full = s.limit > 0 && (tokens > s.limit || tokens == s.limit && s.padded); full {
		if tokens > s.limit { // the limit falls within this character
			c.Text = ""
		}
		tokens, c.Finish = s.limit, "length"
	}
	if c.Usage != nil {
		c.Usage.CompletionTokens = tokens
	}
	return full
}

// join returns what text adds to the beginning.
func (s *seam) join(text string) string {
	for s.pending != "" && text != "" {
		if text[0] != s.pending[0] {
			text = strings.TrimLeft(text, space)
			if text != "" {
				s.pending = ""
			}
			return text
		}
		text, s.pending = text[1:], s.pending[1:]
	}
	return text
}
