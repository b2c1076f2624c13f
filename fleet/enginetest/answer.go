package enginetest

import (
	"fmt"
	"hash/fnv"
	"strings"
)

// Answer is the whole answer to a question.
func Answer(question string, words int) string {
	var b strings.Builder
	for i := range words {
		fmt.Fprintf(&b, "%s·%d ", firstWord(question), i)
	}
	return strings.TrimSpace(b.String())
}

func firstWord(s string) string {
	if fields := strings.Fields(s); len(fields) > 0 {
		return fields[0]
	}
	return "?"
}

// pieces are what tokens of real answers look like: most begin with a space, some
// are nothing but white space, a few are more than one byte to a rune or end in
// the middle of Markdown.
var pieces = strings.Split(" the| of| a| to| it| is| and| reply| which| naïve| Zürich| 東京| 🚀|👩‍🚀|,|.| (e.g.|)| `code`|\n\n|\n|\n- | **bold**|:\n\n```go\n|\n```\n\n| \"quoted\"| x < y && z|\t|é|  two", "|")

// Prose is the answer to a question with orders: so many tokens, chosen by the
// question's first word. They join to the answer's text.
func Prose(question string, tokens int) []string {
	word := firstWord(question)
	list := make([]string, tokens)
	for i := range list {
		h := fnv.New32a()
		fmt.Fprintf(h, "%s %d", word, i)
		list[i] = pieces[h.Sum32()>>8%uint32(len(pieces))]
		if i%8 == 7 {
			list[i] = fmt.Sprintf(" %d", i) // so that no two places look alike
		}
	}
	if tokens > 0 {
		list[0], list[tokens-1] = word, "." // neither end is white space
	}
	return list
}

// tokensOf cuts a text: white space within a line stands before its word, line
// ends stand alone.
func tokensOf(text string) []string {
	var list []string
	for text != "" {
		n := tokenEnd(text)
		list, text = append(list, text[:n]), text[n:]
	}
	return list
}

func tokenEnd(text string) int {
	if n := len(text) - len(strings.TrimLeft(text, "\r\n")); n > 0 {
		return n
	}
	gap := len(text) - len(strings.TrimLeft(text, " \t"))
	if n := strings.IndexAny(text[gap:], " \t\r\n"); n > 0 {
		return gap + n
	}
	if gap < len(text) && strings.IndexAny(text[gap:], "\r\n") != 0 {
		return len(text)
	}
	return gap
}

// rest is what follows the first n bytes of an answer, and how many of its tokens
// those bytes hold whole.
func rest(tokens []string, n int) (left []string, whole int) {
	for i, t := range tokens {
		if n < len(t) {
			return append([]string{t[n:]}, tokens[i+1:]...), i
		}
		n -= len(t)
	}
	return nil, len(tokens)
}

// answer is the whole answer to r, in tokens.
func (e *Engine) answer(r Request, question string, o order) []string {
	switch {
	case r.mustCall():
		return []string{`{"q":`, ` "` + firstWord(question), `"}`}
	case r.grammar():
		return []string{`{"answer":`, ` "` + firstWord(question), `"}`}
	case e.Say != "":
		return tokensOf(e.Say)
	case e.Orders:
		return Prose(question, o.words)
	}
	return tokensOf(Answer(question, e.Words))
}

// cutAtStop ends an answer before the first of those strings; the tokens that
// were made for it count.
func cutAtStop(tokens []string, stop []string) (kept []string, made int) {
	text := strings.Join(tokens, "")
	end := -1
	for _, s := range stop {
		if i := strings.Index(text, s); s != "" && i >= 0 && (end < 0 || i+len(s) < end) {
			end = i + len(s)
		}
	}
	if end < 0 {
		return tokens, len(tokens)
	}
	size := 0
	for made = 0; size < end; made++ {
		size += len(tokens[made])
	}
	for _, s := range stop {
		if s != "" && strings.HasSuffix(text[:end], s) {
			return tokensUpTo(tokens, end-len(s)), made
		}
	}
	return tokens, len(tokens)
}

func tokensUpTo(tokens []string, n int) (list []string) {
	for _, t := range tokens {
		if n < len(t) {
			if n > 0 {
				list = append(list, t[:n])
			}
			return list
		}
		list, n = append(list, t), n-len(t)
	}
	return list
}
