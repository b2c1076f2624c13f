package check

import (
	"slices"
	"strconv"
	"strings"

	"parley/shared/chat"
)

// The tokens of a reply are counted from the engines' own logs. A call that went
// on from a text counts for what it added; the text before counts as those calls
// counted it that had brought it, each up to the end of the token where the next
// one took over. A call that began from nothing drops all before it.
//
// White space at a cut is left out of what the engine goes on from, so the engine
// writes it again; it counts once. Where the engine's tokens are known beforehand,
// that leaves one count. Where they aren't, the logs don't tell what was there of
// such white space before, and there are a least and a greatest count.

// tokens returns how many tokens the calls have spent on the first size bytes of
// the answer.
func (r *Reply) tokens(size int) (least, most int, known bool) {
	if size == 0 {
		return 0, 0, true
	}
	if r.Want != nil {
		n, _ := wanted(r.Want).covers(size)
		return n, n, n >= 0
	}
	calls := slices.SortedFunc(slices.Values(r.Calls), func(a, b Call) int { return a.At.Compare(b.At) })
	return r.spent(calls, size)
}

// wanted is a call that brings a whole answer at once.
func wanted(tokens []string) (c Call) {
	for _, t := range tokens {
		c.Sizes = append(c.Sizes, len(t))
	}
	return c
}

// spent finds the newest call that can have brought the byte before pos.
func (r *Reply) spent(calls []Call, pos int) (least, most int, known bool) {
	for i, call := range slices.Backward(calls) {
		n, _ := call.covers(pos - call.Prefix)
		if pos <= call.Prefix || n < 0 {
			continue
		}
		if pos == len(r.First.Text) && call.State == Finished {
			n = max(n, call.Total) // the answer's end may be a token, too
		}
		if call.Prefix == 0 {
			return n, n, true
		}
		if least, most, known = r.spent(calls[:i], call.Prefix); known {
			blank := r.blank(call)
			if blank > 0 && r.inToken(calls[:i], call.Prefix) {
				least-- // the rest of that token was counted with it
			}
			return least + n, most + n + blank, true
		}
	}
	return 0, 0, false
}

// inToken reports whether pos is in the middle of a token of the newest call that
// can have brought it.
func (r *Reply) inToken(calls []Call, pos int) bool {
	for _, call := range slices.Backward(calls) {
		if n, over := call.covers(pos - call.Prefix); pos > call.Prefix && n >= 0 {
			return over > 0
		}
	}
	return false
}

// blank returns how many of a call's first tokens are nothing but white space.
func (r *Reply) blank(call Call) int {
	after := r.First.Text[call.Prefix:]
	run := len(after) - len(strings.TrimLeft(after, " \t\r\n"))
	n := 0
	for _, size := range call.Sizes {
		if run -= size; run < 0 {
			break
		}
		n++
	}
	return n
}

// covers returns how many tokens hold the first size bytes that the call brought,
// -1 if it had not so many, and how many bytes more they have.
func (c Call) covers(size int) (n, over int) {
	for i, bytes := range c.Sizes {
		if size -= bytes; size <= 0 {
			return i + 1, -size
		}
	}
	return -1, 0
}

// usage: what the reply says is what the engines have counted, and every reader was
// told the same.
func (c judge) usage() {
	first := c.r.First
	for i, s := range c.r.Seen {
		if s.Usage != nil && *s.Usage != first.Usage {
			c.wrong("usage", "reader %d was told %+v, stored is %+v", i, *s.Usage, first.Usage)
		}
	}
	if !first.Status.Ended() {
		return
	}
	if len(c.r.Calls) == 0 && first.Text != "" {
		c.wrong("usage", "no engine was asked for the text of %d bytes", len(first.Text))
	}
	least, most, known := c.r.tokens(len(first.Text))
	n := first.Usage.CompletionTokens
	switch {
	case !known:
		c.wrong("usage", "no call of an engine can have brought the text of %d bytes", len(first.Text))
	case n < least || n > most:
		c.wrong("usage", "%d tokens are stored, the engine says %s", n, between(least, most))
	}
	c.promptTokens()
}

// promptTokens compares the prompt's where the engine was asked just once.
func (c judge) promptTokens() {
	if len(c.r.Calls) != 1 || c.r.First.Status != chat.Done {
		return
	}
	if call := c.r.Calls[0]; call.Prompt > 0 && call.State == Finished && call.Prompt != c.r.First.Usage.PromptTokens {
		c.wrong("usage", "a prompt of %d tokens is stored, the engine says %d", c.r.First.Usage.PromptTokens, call.Prompt)
	}
}

// Exact reports whether a reply's tokens could be counted without any doubt.
func (r *Reply) Exact() bool {
	least, most, known := r.tokens(len(r.First.Text))
	return known && least == most
}

func between(least, most int) string {
	if least == most {
		return strconv.Itoa(least)
	}
	return strconv.Itoa(least) + " to " + strconv.Itoa(most)
}

func plural(n int) string {
	if n == 1 {
		return "1 message"
	}
	return strconv.Itoa(n) + " messages"
}
