package engine

import (
	"testing"

	"parley/shared/chat"
)

// A continuation whose engine repeats white space, and counts it, comes to the same
// text and the same limit as the answer that wasn't cut.
func TestARepeatedTokenIsNotCountedTwice(t *testing.T) {
	type token struct {
		text string
		n    int // tokens of the engine up to here, 0: it doesn't count
	}
	for name, c := range map[string]struct {
		begun  string
		limit  int
		engine []token
		text   string
		tokens int
		full   bool
	}{
		"one token":            {"a\n\n", 5, []token{{"\n\n", 1}, {"b", 2}, {"c", 3}}, "bc", 2, false},
		"token by token":       {"a\n\n", 5, []token{{"\n", 1}, {"\n", 2}, {"b", 3}}, "b", 1, false},
		"nothing is repeated":  {"a ", 5, []token{{"b", 1}, {"c", 2}}, "bc", 2, false},
		"at the limit":         {"a\n\n", 2, []token{{"\n\n", 1}, {"b", 2}, {"c", 3}}, "bc", 2, true},
		"a character is cut":   {"a\n\n", 2, []token{{"\n\n", 1}, {"b", 2}, {"🍎", 5}}, "b", 2, true},
		"the engine is silent": {"a\n\n", 2, []token{{"\n\n", 0}, {"b", 0}, {"c", 0}}, "bc", 0, true},
		"no white space":       {"a", 2, []token{{"b", 1}, {"c", 2}}, "bc", 2, false},
		"the limit is broken":  {"a", 2, []token{{"b", 1}, {"c", 2}, {"d", 3}}, "bc", 2, true},
	} {
		s, ask := newSeam(c.begun, c.limit)
		if want := c.limit + len(s.pending); ask != want {
			t.Errorf("%s: asks for %d tokens, want %d", name, ask, want)
		}
		text, tokens, full := "", 0, false
		for _, e := range c.engine {
			chunk := Chunk{Text: e.text}
			if e.n > 0 {
				chunk.Usage = &chat.Usage{CompletionTokens: e.n}
			}
			full = s.pass(&chunk)
			text += chunk.Text
			if chunk.Usage != nil {
				tokens = chunk.Usage.CompletionTokens
			}
			if full != (chunk.Finish == "length") {
				t.Errorf("%s: full %v, finish %q", name, full, chunk.Finish)
			}
		}
		if text != c.text || tokens != c.tokens || full != c.full {
			t.Errorf("%s: %q, %d tokens, full %v", name, text, tokens, full)
		}
	}
}
