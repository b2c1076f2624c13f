package chat

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"parley/shared/model"
	"parley/shared/problem"
	"parley/shared/quota"
)

// Bounds of a completion besides the plan's tokens and the size of its body.
const (
	MaxSaid     = 2048      // messages
	MaxParts    = 256       // of a message
	MaxPictures = 16        // of all messages
	MaxTools    = 128       // functions, and calls of a message
	MaxStops    = 4         // strings
	maxStop     = 256       // bytes of one
	maxName     = 64        // bytes of a name
	maxCallID   = 128       // bytes
	maxBias     = 300       // tokens
	maxSchema   = 128 << 10 // bytes of one schema
	maxDepth    = 64        // of a schema
	maxAnswer   = 1 << 20   // tokens that anybody may ask for
)

// codeTooLong is how the OpenAI protocol says that a request is too long.
const codeTooLong = "context_length_exceeded"

// Validate names everything that is wrong with c for a user of those limits and
// that model.
func (c *Completion) Validate(l quota.Limits, m model.Model) error {
	var k problem.Check
	k.That(len(c.Messages) >= 1 && len(c.Messages) <= MaxSaid, "messages", "invalid_value",
		fmt.Sprintf("There must be 1 to %d messages.", MaxSaid))
	k.That(c.MaxTokens >= 0 && c.MaxTokens <= maxAnswer, "max_completion_tokens", "invalid_value",
		fmt.Sprintf("The value must be 1 to %d.", maxAnswer))
	if len(c.Messages) <= MaxSaid {
		for i, m := range c.Messages {
			m.check(&k, fmt.Sprintf("messages[%d]", i))
		}
	}
	k.That(m.Vision || c.Pictures() == 0, "messages", "unsupported_value", "This model doesn't take images.")
	k.That(c.Pictures() <= MaxPictures, "messages", "invalid_value", fmt.Sprintf("There may be %d images.", MaxPictures))
	c.Options.check(&k)
	if prefix, before := c.Prefix(); prefix != "" || len(before) < len(c.Messages) {
		k.That(len(before) > 0, "messages", "invalid_value", "There is nothing to answer.")
		k.That(!c.Constrained(), "messages", "invalid_value",
			"An answer that tools or response_format govern can't be begun by the last message.")
	}
	k.That(c.tokens() <= l.TokensPerMessage, "messages", codeTooLong,
		fmt.Sprintf("The messages have about %d tokens; your plan takes %d.", c.tokens(), l.TokensPerMessage))
	return k.Err()
}

// tokens estimates what the engine has to read of text.
func (c *Completion) tokens() (n int) {
	for _, m := range c.Messages {
		n += Tokens(m.Content.String())
		for _, call := range m.Calls {
			n += Tokens(call.Function.Name) + Tokens(call.Function.Arguments)
		}
	}
	for _, t := range c.Options.Tools {
		n += Tokens(t.Function.Name) + Tokens(t.Function.Description) + Tokens(string(t.Function.Parameters))
	}
	return n
}

func (s Said) check(k *problem.Check, at string) {
	role := func(is ...string) bool {
		for _, r := range is {
			if s.Role == r {
				return true
			}
		}
		return false
	}
	k.That(role("system", "user", "assistant", "tool"), at+".role", "invalid_value",
		"A role is system, developer, user, assistant or tool.")
	k.That(validName(s.Name) || s.Name == "", at+".name", "invalid_value", wantName)
	k.That(len(s.Calls) == 0 || role("assistant"), at+".tool_calls", "invalid_value", "Only the assistant calls tools.")
	k.That((s.Answers != "") == role("tool") && len(s.Answers) <= maxCallID, at+".tool_call_id", "invalid_value",
		"A message of a tool, and no other, names the call that it answers.")
	k.That(s.Content.Text != nil || len(s.Content.Parts) > 0 || len(s.Calls) > 0, at+".content", "invalid_value",
		"The message says nothing.")
	k.That(len(s.Content.Parts) <= MaxParts, at+".content", "invalid_value", fmt.Sprintf("A message has at most %d parts.", MaxParts))
	k.That(s.Content.pictures() == 0 || role("user"), at+".content", "invalid_value", "Only a user's message can hold images.")
	if len(s.Content.Parts) <= MaxParts {
		for i, p := range s.Content.Parts {
			p.check(k, fmt.Sprintf("%s.content[%d]", at, i))
		}
	}
	k.That(len(s.Calls) <= MaxTools, at+".tool_calls", "invalid_value", fmt.Sprintf("A message has at most %d calls.", MaxTools))
	if len(s.Calls) <= MaxTools {
		for i, call := range s.Calls {
			where := fmt.Sprintf("%s.tool_calls[%d]", at, i)
			k.That(call.Type == "function" && validName(call.Function.Name), where, "invalid_value", "A call names a function.")
			k.That(call.ID != "" && len(call.ID) <= maxCallID, where+".id", "invalid_value", "A call has an id of at most 128 bytes.")
		}
	}
}

func (p Part) check(k *problem.Check, at string) {
	switch p.Type {
	case "text":
		k.That(p.Image == nil, at, "invalid_value", "A part is a text or an image.")
	case "image_url":
		k.That(p.Text == "" && p.Image != nil && validPicture(p.Image.URL), at+".image_url", "invalid_value",
			"An image is a data: URL of PNG, JPEG, GIF or WebP in base64. Other addresses are not fetched.")
		k.That(p.Image == nil || p.Image.Detail == "" || p.Image.Detail == "auto" || p.Image.Detail == "low" || p.Image.Detail == "high",
			at+".image_url.detail", "invalid_value", "The detail is auto, low or high.")
	default:
		k.That(false, at+".type", "unsupported_value", "A part is of type text or image_url.")
	}
}

func validPicture(url string) bool {
	for _, media := range []string{"png", "jpeg", "gif", "webp"} {
		if data, ok := strings.CutPrefix(url, "data:image/"+media+";base64,"); ok {
			n, err := base64.StdEncoding.Decode(make([]byte, base64.StdEncoding.DecodedLen(len(data))), []byte(data))
			return err == nil && n > 0
		}
	}
	return false
}

func (o *Options) check(k *problem.Check) {
	between(k, "temperature", o.Temperature, 0, 2)
	between(k, "top_p", o.TopP, 0, 1)
	between(k, "min_p", o.MinP, 0, 1)
	between(k, "presence_penalty", o.PresencePenalty, -2, 2)
	between(k, "frequency_penalty", o.FrequencyPenalty, -2, 2)
	between(k, "repetition_penalty", o.RepetitionPenalty, 0.01, 10)
	between(k, "top_k", o.TopK, -1, 1<<20)
	between(k, "min_tokens", o.MinTokens, 0, maxAnswer)
	k.That(len(o.Stop) <= MaxStops, "stop", "invalid_value", fmt.Sprintf("There may be %d stop strings.", MaxStops))
	for _, s := range o.Stop {
		k.That(s != "" && len(s) <= maxStop, "stop", "invalid_value", fmt.Sprintf("A stop string has 1 to %d bytes.", maxStop))
	}
	k.That(len(o.LogitBias) <= maxBias, "logit_bias", "invalid_value", fmt.Sprintf("There may be %d tokens.", maxBias))
	for token, bias := range o.LogitBias {
		_, err := strconv.ParseUint(token, 10, 31)
		k.That(err == nil && bias >= -100 && bias <= 100, "logit_bias", "invalid_value", "Tokens by number have a bias from -100 to 100.")
	}
	o.Format.check(k)
	o.checkTools(k)
}

func between[N int | float64](k *problem.Check, field string, v *N, low, high N) {
	k.That(v == nil || *v >= low && *v <= high, field, "invalid_value", fmt.Sprintf("The value must be %v to %v.", low, high))
}

func (f *Format) check(k *problem.Check) {
	const at = "response_format"
	switch {
	case f == nil:
	case f.Type == "json_schema":
		ok := f.Schema != nil && validName(f.Schema.Name) && validSchema(f.Schema.Schema)
		k.That(ok, at+".json_schema", "invalid_value", wantSchema)
	default:
		k.That((f.Type == "text" || f.Type == "json_object") && f.Schema == nil, at+".type", "invalid_value",
			"A format is text, json_object or json_schema.")
	}
}

func (o *Options) checkTools(k *problem.Check) {
	k.That(len(o.Tools) <= MaxTools, "tools", "invalid_value", fmt.Sprintf("There may be %d tools.", MaxTools))
	names := map[string]bool{}
	if len(o.Tools) <= MaxTools {
		for i, t := range o.Tools {
			at := fmt.Sprintf("tools[%d]", i)
			k.That(t.Type == "function", at+".type", "unsupported_value", "A tool is of type function.")
			k.That(validName(t.Function.Name) && !names[t.Function.Name], at+".function.name", "invalid_value", wantName+" Each tool has its own.")
			k.That(len(t.Function.Parameters) == 0 || validSchema(t.Function.Parameters), at+".function.parameters", "invalid_value", wantSchema)
			names[t.Function.Name] = true
		}
	}
	if c := o.Choice; c != nil {
		known := c.Mode == "none" || c.Mode == "auto" || c.Mode == "required" || c.Mode == "" && names[c.Function]
		k.That(known, "tool_choice", "invalid_value", "The choice is none, auto, required or one of the tools.")
		k.That(len(o.Tools) > 0 || c.Mode == "none" || c.Mode == "auto", "tool_choice", "invalid_value", "There are no tools to choose from.")
	}
}

// What names and schemas have to be.
const (
	wantName   = "A name has 1 to 64 of a-z A-Z 0-9 _ -."
	wantSchema = "A schema is a JSON object of at most 128 KiB and 64 levels; one of response_format has a name."
)

func validName(s string) bool {
	return s != "" && len(s) <= maxName && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
	})
}

func validSchema(v jsontext.Value) bool {
	if v.Kind() != '{' || len(v) > maxSchema {
		return false
	}
	for d := jsontext.NewDecoder(bytes.NewReader(v)); ; {
		if _, err := d.ReadToken(); err != nil {
			return d.InputOffset() == int64(len(v))
		}
		if d.StackDepth() > maxDepth {
			return false
		}
	}
}
