package chat

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Said is one message of a completion.
type Said struct {
	Role    string  `json:"role"` // system, user, assistant or tool
	Content Content `json:"content"`
	Name    string  `json:"name,omitempty"`
	Calls   []Call  `json:"tool_calls,omitempty"`   // of the assistant
	Answers string  `json:"tool_call_id,omitempty"` // of a tool: the call that it answers
}

// Call is the model's wish that its caller call a function.
type Call struct {
	ID       string `json:"id"`
	Type     string `json:"type"` // function
	Function Called `json:"function"`
}

// Called is the function of a call.
type Called struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"` // JSON, as far as the model wrote it well
}

// Content is what a message says: a text, parts, or neither.
type Content struct {
	Text  *string
	Parts []Part
}

// Part is a piece of a message.
type Part struct {
	Type  string   `json:"type"` // text or image_url
	Text  string   `json:"text,omitempty"`
	Image *Picture `json:"image_url,omitempty"`
}

// Picture is a picture within a message.
type Picture struct {
	URL    string `json:"url"` // data: only, so that no engine fetches what a user names
	Detail string `json:"detail,omitempty"`
}

// saidWire is what clients send: a reply's message with fields that say nothing
// to an engine comes back as it was got.
type saidWire struct {
	Role     string         `json:"role"`
	Content  Content        `json:"content"`
	Name     string         `json:"name"`
	Calls    []Call         `json:"tool_calls"`
	Answers  string         `json:"tool_call_id"`
	Refusal  jsontext.Value `json:"refusal"`
	Notes    jsontext.Value `json:"annotations"`
	Audio    jsontext.Value `json:"audio"`
	Function jsontext.Value `json:"function_call"`
	Thoughts jsontext.Value `json:"reasoning_content"`
	Thought  jsontext.Value `json:"reasoning"`
}

// UnmarshalJSONFrom reads a message. A developer is a system to a chat template.
func (s *Said) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	var w saidWire
	if err := json.UnmarshalDecode(d, &w); err != nil {
		return err
	}
	*s = Said{Role: w.Role, Content: w.Content, Name: w.Name, Calls: w.Calls, Answers: w.Answers}
	if s.Role == "developer" {
		s.Role = "system"
	}
	return nil
}

// UnmarshalJSONFrom reads a text, parts or null. Empty texts are left out of the
// parts, and those that are all text become one, which every chat template takes.
func (c *Content) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*c = Content{}
	switch d.PeekKind() {
	case 'n':
		_, err := d.ReadToken()
		return err
	case '[':
		if err := json.UnmarshalDecode(d, &c.Parts); err != nil {
			return err
		}
		c.simplify()
		return nil
	default:
		return json.UnmarshalDecode(d, &c.Text)
	}
}

func (c *Content) simplify() {
	if len(c.Parts) == 0 {
		return
	}
	c.Parts = slices.DeleteFunc(c.Parts, func(p Part) bool { return p == Part{Type: "text"} })
	for _, p := range c.Parts {
		if p.Type != "text" || p.Image != nil {
			return
		}
	}
	text := c.String()
	*c = Content{Text: &text}
}

// MarshalJSONTo is the reverse.
func (c Content) MarshalJSONTo(e *jsontext.Encoder) error {
	if c.Parts != nil {
		return json.MarshalEncode(e, c.Parts)
	}
	return json.MarshalEncode(e, c.Text)
}

// String is the text of c, that of its parts on lines of their own.
func (c Content) String() string {
	if c.Text != nil {
		return *c.Text
	}
	var lines []string
	for _, p := range c.Parts {
		if p.Type == "text" {
			lines = append(lines, p.Text)
		}
	}
	return strings.Join(lines, "\n")
}

func (c Content) pictures() (n int) {
	for _, p := range c.Parts {
		if p.Image != nil {
			n++
		}
	}
	return n
}
