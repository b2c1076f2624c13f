package enginetest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Request is what an engine was asked.
type Request struct {
	Model         string          `json:"model"`
	Messages      []Message       `json:"messages"`
	Stream        bool            `json:"stream"`
	MaxTokens     int             `json:"max_tokens"`
	MaxCompletion int             `json:"max_completion_tokens"`
	Stop          stops           `json:"stop"`
	CacheSalt     string          `json:"cache_salt"`
	Priority      int             `json:"priority"` // less comes first among those that wait
	Format        json.RawMessage `json:"response_format"`
	Tools         []Tool          `json:"tools"`
	ToolChoice    json.RawMessage `json:"tool_choice"`
	Temperature   *float64        `json:"temperature"`
	TopP          *float64        `json:"top_p"`
	Seed          *int64          `json:"seed"`
	StreamOptions struct {
		Usage bool `json:"include_usage"`
	} `json:"stream_options"`
	ContinueFinal *bool `json:"continue_final_message"`
	AddGeneration *bool `json:"add_generation_prompt"`

	Body    []byte `json:"-"` // all of it, as it came
	Session string `json:"-"` // X-Session-Id
	Key     string `json:"-"` // bearer token
}

// Tool is a function that the model may call.
type Tool struct {
	Function struct {
		Name string `json:"name"`
	} `json:"function"`
}

// Message is one turn of a request. Of content in parts it has the text.
type Message struct {
	Role    string
	Content string
	Images  int
}

// UnmarshalJSON reads content as a string or as parts.
func (m *Message) UnmarshalJSON(b []byte) error {
	var in struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	m.Role = in.Role
	if len(in.Content) == 0 || in.Content[0] != '[' {
		return json.Unmarshal(orNull(in.Content), &m.Content)
	}
	var parts []struct{ Type, Text string }
	if err := json.Unmarshal(in.Content, &parts); err != nil {
		return err
	}
	for _, p := range parts {
		switch p.Type {
		case "text":
			m.Content += p.Text
		case "image_url":
			m.Images++
		default:
			return fmt.Errorf("content part of type %q", p.Type)
		}
	}
	return nil
}

func orNull(b json.RawMessage) json.RawMessage {
	if len(b) == 0 {
		return json.RawMessage("null")
	}
	return b
}

// stops is one string or several.
type stops []string

// UnmarshalJSON reads either.
func (s *stops) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		*s = stops{""}
		return json.Unmarshal(b, &(*s)[0])
	}
	return json.Unmarshal(b, (*[]string)(s))
}

// split returns the question and the answer's beginning that the request brings,
// if it asks to go on with one.
func (r Request) split(vllm bool) (question, begun string) {
	last := len(r.Messages) - 1
	if r.Messages[last].Role != "assistant" {
		return r.Messages[last].Content, ""
	}
	if vllm && (r.ContinueFinal == nil || !*r.ContinueFinal) {
		return r.Messages[last].Content, ""
	}
	for i := last - 1; i >= 0; i-- {
		if r.Messages[i].Role == "user" {
			question = r.Messages[i].Content
			break
		}
	}
	return question, r.Messages[last].Content
}

// grammar reports whether the answer's form is prescribed.
func (r Request) grammar() bool {
	format := strings.ReplaceAll(string(r.Format), " ", "")
	return strings.Contains(format, `"type":"json`) || r.mustCall()
}

// mustCall reports whether the answer has to be a call of a tool.
func (r Request) mustCall() bool {
	choice := string(r.ToolChoice)
	return len(r.Tools) > 0 && (choice == `"required"` || strings.HasPrefix(choice, "{"))
}

// limit is how many tokens the answer may have, -1 for any number.
func (r Request) limit() int {
	for _, n := range []int{r.MaxCompletion, r.MaxTokens} {
		if n > 0 {
			return n
		}
	}
	return -1
}

// tokens are those of the prompt: words, and one for each message.
func (r Request) tokens() []string {
	list := []string{r.CacheSalt}[:0]
	for _, m := range r.Messages {
		list = append(append(list, "<"+m.Role+">"), strings.Fields(m.Content)...)
	}
	return list
}
