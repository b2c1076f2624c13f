// Package prompt decides what of a chat a model gets to read: the system
// prompt, the question, as much of what came before as fits in the context,
// newest first, and the files that were sent. It is pure: whoever calls it brings
// the messages, the files and the means to count tokens.
//
// # Files
//
// The text of a file stands whole in the turn in which it was sent, so that the
// beginning of the prompt stays the same from turn to turn and an engine's prefix
// cache has it, as long as everything fits and the files take no more than half of
// it. When they do, there are instead the passages that fit the last question best,
// of all files of the thread together, before that question. Passages make room for
// turns until a quarter of the prompt is left to them; then the oldest turns go.
// Images stand in the turn in which they were sent, the newest sixteen of them, if
// the model sees. What is not shown is named.
//
// What a file says is not what its user says. It stands between marks that have a
// part which nobody can know who wrote the file (fence.go), and without anything
// that a chat template takes for one of its own marks; the system prompt, or the turn
// where there is none, says what that means, but only where there are files.
package prompt

import (
	"slices"

	"parley/shared/chat"
)

// CharsPerToken and PerTurn estimate tokens where nobody counts exactly.
const (
	CharsPerToken = 4
	PerTurn       = 8 // what a chat template puts around a message, with a margin
)

// PerPicture is what an image is taken to need, in tokens, or half of the prompt if
// that is less. Engines differ (576 with LLaVA, 1369 with Qwen-VL at 1024 pixels, 1601
// a tile with Llama), and none counts them beforehand.
const PerPicture = 1500

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
	return turnsOf(system, thread, func(chat.Message) Turn { return Turn{} })
}

// turnsOf is Turns with what files puts into the turn of each message.
func turnsOf(system string, thread []chat.Message, files func(chat.Message) Turn) []Turn {
	var turns []Turn
	if system != "" {
		turns = append(turns, Turn{Role: "system", Text: system})
	}
	for _, m := range thread {
		t := files(m)
		t.Role, t.Text = string(m.Role), m.Text
		if m.Text == "" && t.Files == "" && len(t.Pictures) == 0 {
			continue
		}
		if last := len(turns) - 1; last >= 0 && turns[last].Role == t.Role {
			turns[last] = turns[last].with(t)
			continue
		}
		turns = append(turns, t)
	}
	return turns
}

// Size estimates the tokens of a prompt.
func Size(turns []Turn) int {
	n := PerTurn // for the beginning of the answer
	for _, t := range turns {
		n += Estimate(len(t.Files)+len(t.Text)) + t.PictureTokens
	}
	return n
}
