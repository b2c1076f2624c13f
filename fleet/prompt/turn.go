package prompt

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"parley/shared/chat"
)

// Turn is one message as the OpenAI protocol has it.
type Turn struct {
	Role     string   // system, user or assistant
	Text     string   // what was said
	Files    string   // what stands before it of files that were sent along
	Pictures []string // URLs (data:) of images, which stand before that
	// PictureTokens is what they are taken to need.
	PictureTokens int
	Raw           string // JSON of the whole message, where that isn't all: pictures, calls of tools
}

// with returns t with what the next message of the same role says.
func (t Turn) with(next Turn) Turn {
	t.Text = joined(t.Text, next.Text)
	t.Files += next.Files
	t.Pictures = slices.Concat(t.Pictures, next.Pictures)
	t.PictureTokens += next.PictureTokens
	return t
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n\n" + b
}

// MarshalJSONTo writes the message: its content is a string, or parts if there are
// pictures.
func (t Turn) MarshalJSONTo(e *jsontext.Encoder) error {
	if t.Raw != "" {
		return e.WriteValue(jsontext.Value(t.Raw))
	}
	text := t.Files + t.Text
	said := struct {
		Role    string       `json:"role"`
		Content chat.Content `json:"content"`
	}{t.Role, chat.Content{Text: &text}}
	if len(t.Pictures) > 0 {
		said.Content = chat.Content{}
		for _, url := range t.Pictures {
			said.Content.Parts = append(said.Content.Parts, chat.Part{Type: "image_url", Image: &chat.Picture{URL: url}})
		}
		said.Content.Parts = append(said.Content.Parts, chat.Part{Type: "text", Text: text})
	}
	return json.MarshalEncode(e, said)
}
