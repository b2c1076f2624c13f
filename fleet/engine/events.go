package engine

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"parley/shared/chat"
)

// maxEvent bounds one event of an engine's stream, in bytes.
const maxEvent = 1 << 20

// events reads the data of server-sent events.
type events struct{ lines *bufio.Scanner }

func newEvents(r io.Reader) *events {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), maxEvent)
	lines.Split(splitLines)
	return &events{lines}
}

// splitLines takes LF, CR LF and CR, as the standard has it. A line that the end
// of the stream cuts is not an event.
func splitLines(data []byte, atEOF bool) (advance int, line []byte, err error) {
	i := bytes.IndexAny(data, "\r\n")
	switch {
	case i < 0 && atEOF:
		return len(data), nil, nil
	case i < 0:
		return 0, nil, nil
	case data[i] == '\n':
		return i + 1, data[:i], nil
	case i+1 < len(data) && data[i+1] == '\n':
		return i + 2, data[:i], nil
	case i+1 < len(data) || atEOF:
		return i + 1, data[:i], nil
	default: // CR at the end of what is there: LF may follow
		return 0, nil, nil
	}
}

// next returns the data of the next event that has some.
func (e *events) next() (string, error) {
	var data []byte
	some := false
	for e.lines.Scan() {
		line := e.lines.Bytes()
		if len(line) == 0 {
			if some {
				return string(data), nil
			}
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if string(name) != "data" {
			continue
		}
		if some {
			data = append(data, '\n')
		}
		some = true
		data = append(data, bytes.TrimPrefix(value, []byte(" "))...)
		if len(data) > maxEvent {
			return "", bufio.ErrTooLong
		}
	}
	if err := e.lines.Err(); err != nil {
		return "", err
	}
	return "", io.EOF
}

type chunk struct {
	Choices []struct {
		Delta struct {
			Content *string     `json:"content"`
			Calls   []callChunk `json:"tool_calls"`
		} `json:"delta"`
		Finish *string `json:"finish_reason"`
	} `json:"choices"`
	Usage *struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
		Details    *struct {
			Cached int `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
	} `json:"usage"`
	Timings *struct {
		Fresh     int `json:"prompt_n"`
		Cached    int `json:"cache_n"`
		Predicted int `json:"predicted_n"`
	} `json:"timings"`
	Error jsontext.Value `json:"error"`
}

// usage is what the engine has counted so far: vLLM says it in usage and llama.cpp
// in timings, each with every chunk if it is asked to; nil if it isn't said.
func (c chunk) usage() *chat.Usage {
	if u := c.Usage; u != nil && u.Prompt >= 0 && u.Completion >= 0 {
		out := &chat.Usage{PromptTokens: u.Prompt, CompletionTokens: u.Completion}
		if u.Details != nil {
			out.CachedTokens = max(u.Details.Cached, 0)
		}
		return out
	}
	if t := c.Timings; t != nil && t.Fresh >= 0 && t.Cached >= 0 && t.Predicted > 0 {
		return &chat.Usage{PromptTokens: t.Cached + t.Fresh, CompletionTokens: t.Predicted, CachedTokens: t.Cached}
	}
	return nil
}

var errGarbage = errors.New("event is not a chunk of an answer")

// decodeChunk reads one event's data. What can't be read, or reports an error,
// is ErrBroke: the rest of the answer can't be trusted.
func decodeChunk(data string) (_ Chunk, err error) {
	var in chunk
	if err := json.Unmarshal([]byte(hide(data)), &in, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)); err != nil {
		return Chunk{}, fmt.Errorf("%w: %w: %w", ErrBroke, errGarbage, err)
	}
	if len(in.Error) > 0 && in.Error.Kind() != 'n' {
		return Chunk{}, fmt.Errorf("%w: it reports %.300q", ErrBroke, in.Error)
	}
	var out Chunk
	if len(in.Choices) > 0 {
		first := in.Choices[0]
		if first.Delta.Content != nil {
			out.Text = *first.Delta.Content
		}
		if out.Calls, err = callsOf(first.Delta.Calls); err != nil {
			return Chunk{}, err
		}
		if first.Finish != nil {
			out.Finish = *first.Finish
		}
	}
	out.Usage = in.usage()
	if !utf8.ValidString(out.Finish) {
		out.Finish = "stop"
	}
	return out, nil
}
