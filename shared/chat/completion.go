package chat

import (
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"parley/shared/quota"
)

// Completion is a question in the form of the OpenAI protocol: everything that the
// engine shall read, and how it shall answer. Nothing is added to it and nothing
// is left out; what doesn't fit in the model's context is refused.
//
// Its JSON is how a question's row keeps it. That of messages and options is the
// protocol's own, so they are passed on to the engine as they are.
type Completion struct {
	Messages  []Said  `json:"messages"`
	Options   Options `json:"options"`
	MaxTokens int     `json:"max_tokens,omitzero"` // of the answer; 0: as many as the fleet gives

	Model string `json:"-"` // empty: the fleet's own choice
	Keep  bool   `json:"-"` // as a chat; else for a day, in no list
}

// Options are the settings of an answer that the engine takes; nil: its own.
type Options struct {
	Temperature       *float64       `json:"temperature,omitempty"`
	TopP              *float64       `json:"top_p,omitempty"`
	TopK              *int           `json:"top_k,omitempty"`
	MinP              *float64       `json:"min_p,omitempty"`
	PresencePenalty   *float64       `json:"presence_penalty,omitempty"`
	FrequencyPenalty  *float64       `json:"frequency_penalty,omitempty"`
	RepetitionPenalty *float64       `json:"repetition_penalty,omitempty"`
	Seed              *int64         `json:"seed,omitempty"`
	Stop              Stops          `json:"stop,omitempty"`
	MinTokens         *int           `json:"min_tokens,omitempty"`
	IgnoreEnd         *bool          `json:"ignore_eos,omitempty"`
	LogitBias         map[string]int `json:"logit_bias,omitempty"`
	Format            *Format        `json:"response_format,omitempty"`
	Tools             []Tool         `json:"tools,omitempty"`
	Choice            *Choice        `json:"tool_choice,omitempty"`
	Parallel          *bool          `json:"parallel_tool_calls,omitempty"`
}

// Format is the form that an answer must have.
type Format struct {
	Type   string  `json:"type"` // text, json_object or json_schema
	Schema *Schema `json:"json_schema,omitempty"`
}

// Schema is what an answer in JSON must match.
type Schema struct {
	Name        string         `json:"name"`
	Description string         `json:"description,omitempty"`
	Schema      jsontext.Value `json:"schema,omitzero"`
	Strict      *bool          `json:"strict,omitempty"`
}

// Tool is a function that the model may ask its caller to call.
type Tool struct {
	Type     string   `json:"type"` // function
	Function Function `json:"function"`
}

// Function describes a tool.
type Function struct {
	Name        string         `json:"name"`
	Description string         `json:"description,omitempty"`
	Parameters  jsontext.Value `json:"parameters,omitzero"` // a JSON schema
	Strict      *bool          `json:"strict,omitempty"`
}

// Constrained reports whether a grammar governs the answer. The engine can't go on
// with the beginning of such a one, so that a new attempt starts over.
func (c *Completion) Constrained() bool {
	if f := c.Options.Format; f != nil && f.Type != "text" {
		return true
	}
	return len(c.Options.Tools) > 0 && (c.Options.Choice == nil || c.Options.Choice.Mode != "none")
}

// Text is what an exchange shows of the request: its last user message.
func (c *Completion) Text() string {
	for i := len(c.Messages) - 1; i >= 0; i-- {
		if m := c.Messages[i]; m.Role == string(User) {
			return m.Content.String()
		}
	}
	return ""
}

// Pictures returns how many pictures the messages hold.
func (c *Completion) Pictures() (n int) {
	for _, m := range c.Messages {
		n += m.Content.pictures()
	}
	return n
}

// Prefix returns the beginning of the answer that the request dictates, a plain
// assistant message at its end, and the messages before it.
func (c *Completion) Prefix() (prefix string, before []Said) {
	last := len(c.Messages) - 1
	if last < 0 || c.Messages[last].Role != string(Assistant) || len(c.Messages[last].Calls) > 0 {
		return "", c.Messages
	}
	return c.Messages[last].Content.String(), c.Messages[:last]
}

// Encode returns c as a question's row keeps it.
func (c *Completion) Encode() (string, error) {
	b, err := json.Marshal(c)
	return string(b), err
}

// DecodeCompletion reads what Encode wrote.
func DecodeCompletion(s string) (*Completion, error) {
	var c Completion
	if err := json.Unmarshal([]byte(s), &c); err != nil {
		return nil, err
	}
	return &c, nil
}

// Passing reports whether ref is of an exchange that isn't kept. Such a one has no
// chat: it goes by its question's id instead. So no list can have it, nothing can
// be added to it, and every writer of its rows knows that they are to go.
func (r Ref) Passing() bool {
	return r.Chat != "" && (r.Message == r.Chat || r.Message == ReplyOf(r.Chat))
}

// Complete accepts a completion as Send does a question.
func (s *Sender) Complete(ctx context.Context, user string, plan quota.Plan, l quota.Limits, c Completion) (Receipt, error) {
	m, err := s.Models.Find(c.Model, plan)
	if err != nil {
		return Receipt{}, err
	}
	if err := c.Validate(l, m); err != nil {
		return Receipt{}, err
	}
	sending := s.begin(user, plan, l, "", "")
	sending.Question.Completion, sending.Question.Model = &c, c.Model
	if !c.Keep {
		sending.Passing = true
		return s.deliver(ctx, plan, sending)
	}
	sending.Question.Text = c.Text()
	sending.Chat, sending.NewChat, sending.Title = s.NewID(sending.At), true, title(sending.Question.Text)
	if sending.Title == "" {
		sending.Title = untitled
	}
	sending.Question.Chat = sending.Chat
	return s.deliver(ctx, plan, sending)
}

// untitled names a kept exchange whose question has no words.
const untitled = "Untitled"

// Failures of completions that end a reply for good.
var (
	TooLong = Failure{"context_length_exceeded", "The messages are longer than the model's context. Nothing was counted; please shorten them."}
	Refused = Failure{"request_refused", "The model's engine does not take this request. Nothing was counted; please check response_format, tools and images."}
)

// Stops are strings at which an answer ends; they aren't part of it.
type Stops []string

// UnmarshalJSONFrom takes one string or several.
func (s *Stops) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '"' {
		return json.UnmarshalDecode(d, (*[]string)(s))
	}
	*s = make(Stops, 1)
	return json.UnmarshalDecode(d, &(*s)[0])
}

// Choice says whether the model has to call tools.
type Choice struct {
	Mode     string // none, auto, required; or empty:
	Function string // that one
}

type namedChoice struct {
	Type     string `json:"type"`
	Function struct {
		Name string `json:"name"`
	} `json:"function"`
}

// UnmarshalJSONFrom takes a mode or an object that names a function.
func (c *Choice) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		return json.UnmarshalDecode(d, &c.Mode)
	}
	var named namedChoice
	if err := json.UnmarshalDecode(d, &named); err != nil {
		return err
	}
	c.Function = named.Function.Name
	if named.Type != "function" {
		c.Mode = "type " + named.Type // which Validate refuses
	}
	return nil
}

// MarshalJSONTo is its reverse.
func (c Choice) MarshalJSONTo(e *jsontext.Encoder) error {
	if c.Function == "" {
		return json.MarshalEncode(e, c.Mode)
	}
	named := namedChoice{Type: "function"}
	named.Function.Name = c.Function
	return json.MarshalEncode(e, named)
}
