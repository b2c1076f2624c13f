package chat

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/shared/id"
	"parley/shared/model"
	"parley/shared/problem"
	"parley/shared/quota"
)

func text(role, content string) Said { return Said{Role: role, Content: Content{Text: &content}} }

// An exchange that isn't kept is told from a chat by its ids alone, and only its
// question and its first reply are it.
func TestPassing(t *testing.T) {
	question, other := id.New(start), id.New(start.Add(time.Second))
	for name, c := range map[string]struct {
		ref  Ref
		want bool
	}{
		"question":      {Ref{Chat: question, Message: question}, true},
		"reply":         {Ref{Chat: question, Message: ReplyOf(question)}, true},
		"another reply": {Ref{Chat: question, Message: ReplyOf(ReplyOf(question))}, false},
		"in a chat":     {Ref{Chat: other, Message: question}, false},
		"nothing":       {Ref{}, false},
	} {
		if got := c.ref.Passing(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTextIsTheLastUserMessage(t *testing.T) {
	picture := Said{Role: "user", Content: Content{Parts: []Part{{Type: "text", Text: "What"}, {Type: "image_url", Image: &Picture{URL: "data:"}}, {Type: "text", Text: "is it?"}}}}
	for name, c := range map[string]struct {
		said []Said
		want string
	}{
		"plain":     {[]Said{text("system", "s"), text("user", "one"), text("assistant", "1"), text("user", "two")}, "two"},
		"begun":     {[]Said{text("user", "one"), text("assistant", "1")}, "one"},
		"parts":     {[]Said{picture}, "What\nis it?"},
		"no person": {[]Said{text("system", "s")}, ""},
	} {
		if got := (&Completion{Messages: c.said}).Text(); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestPrefix(t *testing.T) {
	called := Said{Role: "assistant", Calls: []Call{{ID: "c"}}}
	for name, c := range map[string]struct {
		said   []Said
		prefix string
		before int
	}{
		"none":  {[]Said{text("user", "a")}, "", 1},
		"text":  {[]Said{text("user", "a"), text("assistant", "b")}, "b", 1},
		"calls": {[]Said{text("user", "a"), called}, "", 2},
		"empty": {nil, "", 0},
	} {
		prefix, before := (&Completion{Messages: c.said}).Prefix()
		if prefix != c.prefix || len(before) != c.before {
			t.Errorf("%s: %q, %d before", name, prefix, len(before))
		}
	}
}

// The plan's limit is of everything that the engine has to read.
func TestTokensOfACompletion(t *testing.T) {
	words := strings.Repeat("word", 60)
	for name, c := range map[string]Completion{
		"messages": {Messages: []Said{text("system", words), text("user", words)}},
		"calls": {Messages: []Said{text("user", words), {Role: "assistant", Calls: []Call{{ID: "c", Type: "function", Function: Called{Name: "f", Arguments: words}}}},
			{Role: "tool", Answers: "c", Content: Content{Text: new(string)}}}},
		"tools": {Messages: []Said{text("user", words)}, Options: Options{Tools: []Tool{{Type: "function", Function: Function{Name: "f", Description: words}}}}},
	} {
		l := quota.Limits{TokensPerMessage: 119}
		if p := problem.From(c.Validate(l, model.Model{})); p == nil || p.Code != "context_length_exceeded" {
			t.Errorf("%s: %v", name, p)
		}
		l.TokensPerMessage = 130
		if err := c.Validate(l, model.Model{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestChoiceComesBack(t *testing.T) {
	for _, c := range []*Choice{nil, {Mode: "auto"}, {Function: "f"}} {
		kept, err := (&Completion{Options: Options{Choice: c}}).Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeCompletion(kept)
		if err != nil || cmp.Diff(c, back.Options.Choice) != "" {
			t.Errorf("%s: %v", kept, err)
		}
	}
}
