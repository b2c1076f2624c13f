package engine

import "strings"

// seam joins an answer's beginning to what the engine adds. Chat templates may
// trim an assistant's message, and then the engine writes the white space at its
// end again. So it is left out of what the engine gets, and taken off what comes
// back, text and tokens alike: they were counted when they came for the first time.
type seam struct {
	kept     string // what the engine goes on from
	pending  string // white space that it may repeat
	chunks   int    // that had text, as long as some is pending
	repeated int    // tokens that brought nothing new
}

const space = " \t\r\n"

func newSeam(begun string) seam {
	kept := strings.TrimRight(begun, space)
	return seam{kept: kept, pending: begun[len(kept):]}
}

// pass takes off a chunk what was there before.
func (s *seam) pass(c *Chunk) {
	if s.pending != "" && c.Text != "" {
		s.chunks++
		if c.Text = s.join(c.Text); c.Text == "" {
			s.repeated = s.chunks
			if c.Usage != nil {
				s.repeated = c.Usage.CompletionTokens
			}
		}
	}
	if c.Usage != nil {
		c.Usage.CompletionTokens = max(c.Usage.CompletionTokens-s.repeated, 0)
	}
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
