package work

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"parley/fleet/engine"
	"parley/fleet/prompt"
	"parley/shared/chat"
)

// A completion brings its own prompt: nothing is put before it, nothing is cut.

// toolText is what a chat template writes about how to call tools, in tokens.
const toolText = 160

// constrained reports whether the answer can't be continued, only started over.
func (j *job) constrained() bool { return j.asked != nil && j.asked.Constrained() }

// readAsked makes the prompt of a completion; size is its length in tokens. One
// that leaves no room for an answer gives the prompt up.
func (j *job) readAsked(ctx context.Context) (turns []prompt.Turn, size int, err error) {
	var said []chat.Said
	j.prefix, said = j.asked.Prefix()
	for _, m := range said {
		raw, err := json.Marshal(m)
		if err != nil {
			return nil, 0, fmt.Errorf("encode message: %w", err)
		}
		turns = append(turns, prompt.Turn{Role: m.Role, Text: m.Content.String(), Raw: string(raw)})
	}
	if j.options, err = json.Marshal(j.asked.Options); err != nil {
		return nil, 0, fmt.Errorf("encode options: %w", err)
	}
	size, known := j.counter(ctx)(turns)
	size += chat.Tokens(j.prefix) + j.toolSize()
	switch {
	case !known: // pictures, for instance: the engine decides
		size = 0
	case size >= j.Context-margin:
		return nil, 0, fmt.Errorf("%w: %w: %d tokens", errGaveUp, engine.ErrTooLong, size)
	}
	return turns, size, context.Cause(ctx)
}

// toolSize estimates the tokens of what the template tells of tools.
func (j *job) toolSize() int {
	if len(j.asked.Options.Tools) == 0 {
		return 0
	}
	text, err := json.Marshal(j.asked.Options.Tools)
	if err != nil {
		return toolText
	}
	return toolText + chat.Tokens(string(text))
}

// fault says why a prompt at which the engine failed for good ends.
func (j *job) fault(err error) *chat.Failure {
	switch {
	case j.asked != nil && errors.Is(err, engine.ErrTooLong):
		return &chat.TooLong
	case j.asked != nil && errors.Is(err, engine.ErrInvalid):
		return &chat.Refused
	}
	return &chat.EngineFailed
}
