// Package prompt decides what of a chat a model gets to read: the system
// prompt, the question, and as much of what came before as fits in the context,
// newest first. It is pure: whoever calls it brings the messages and the means
// to count tokens.
package prompt

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"parley/shared/chat"
)

// Turn is one message as the OpenAI protocol has it.
type Turn struct {
	Role string `json:"role"` // system, user or assistant
	Text string `json:"content"`
	Raw  string `json:"-"` // JSON of the whole message, where that isn't all: pictures, calls of tools
}

// MarshalJSONTo writes the message.
func (t Turn) MarshalJSONTo(e *jsontext.Encoder) error {
	if t.Raw != "" {
		return e.WriteValue(jsontext.Value(t.Raw))
	}
	type plain Turn
	return json.MarshalEncode(e, plain(t))
}

// CharsPerToken and PerTurn estimate tokens where nobody counts exactly.
const (
	CharsPerToken = 4
	PerTurn       = 8 // what a chat template puts around a message, with a margin
)

// Estimate returns about how many tokens a text of that many bytes has.
func Estimate(bytes int) int { return bytes/CharsPerToken + PerTurn }

// Thread follows the parents from the message with that id and returns what it
// finds, oldest first. Messages that aren't on the way, siblings and their
// replies, are left out; so is everything before a parent that isn't there.
func Thread(messages []chat.Message, from string) []chat.Message {
	byID := make(map[string]chat.Message, len(messages))
	for _, m := range messages {
		byID[m.ID] = m
	}
	var thread []chat.Message
	for id := from; id != ""; {
		m, ok := byID[id]
		if !ok { // a reply without a row: its question stands for it
			m, ok = byID[chat.QuestionOf(id)]
		}
		if !ok {
			break
		}
		delete(byID, m.ID) // a circle ends here
		thread = append(thread, m)
		id = m.Parent
	}
	slices.Reverse(thread)
	return thread
}

// Turns makes a prompt of a thread: replies that brought no text are left out,
// and neighbours of one role, which templates refuse, become one turn.
func Turns(system string, thread []chat.Message) []Turn {
	var turns []Turn
	if system != "" {
		turns = append(turns, Turn{Role: "system", Text: system})
	}
	for _, m := range thread {
		if m.Text == "" {
			continue
		}
		if last := len(turns) - 1; last >= 0 && turns[last].Role == string(m.Role) {
			turns[last].Text += "\n\n" + m.Text
			continue
		}
		turns = append(turns, Turn{Role: string(m.Role), Text: m.Text})
	}
	return turns
}

// Size estimates the tokens of a prompt.
func Size(turns []Turn) int {
	n := PerTurn // for the beginning of the answer
	for _, t := range turns {
		n += Estimate(len(t.Text))
	}
	return n
}
