package openai

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"parley/shared/api"
	"parley/shared/chat"
	"parley/shared/problem"
)

// maxBody bounds a request in bytes; most of it may be images.
const maxBody = 8 << 20

// request is what clients send. A null is as good as nothing.
type request struct {
	Model    string      `json:"model"`
	Messages []chat.Said `json:"messages"`
	chat.Options
	MaxTokens     *int           `json:"max_tokens"` // the older name
	MaxCompletion *int           `json:"max_completion_tokens"`
	Stream        bool           `json:"stream"`
	StreamOptions *streamOptions `json:"stream_options"`
	Store         bool           `json:"store"`

	// What has one value here.
	Choices     *int     `json:"n"`
	Logprobs    *bool    `json:"logprobs"`
	TopLogprobs *int     `json:"top_logprobs"`
	Modalities  []string `json:"modalities"`

	// What isn't taken at all.
	Audio     jsontext.Value `json:"audio"`
	Functions jsontext.Value `json:"functions"` // tools replaced them
	Function  jsontext.Value `json:"function_call"`
	Search    jsontext.Value `json:"web_search_options"`

	ignored
}

// ignored are fields that clients send and that mean nothing here.
type ignored struct {
	User       jsontext.Value `json:"user"`
	Safety     jsontext.Value `json:"safety_identifier"`
	Metadata   jsontext.Value `json:"metadata"`
	Tier       jsontext.Value `json:"service_tier"`
	CacheKey   jsontext.Value `json:"prompt_cache_key"`
	CacheFor   jsontext.Value `json:"prompt_cache_retention"`
	Reasoning  jsontext.Value `json:"reasoning_effort"`
	Verbosity  jsontext.Value `json:"verbosity"`
	Prediction jsontext.Value `json:"prediction"`
}

type streamOptions struct {
	Usage       bool           `json:"include_usage"`
	Obfuscation jsontext.Value `json:"include_obfuscation"`
}

// read takes the body of a request.
func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := api.ReadBody(w, r, maxBody)
	if err != nil {
		return nil, err
	}
	// The server's time to read a request would end the watch for a client that goes.
	return body, http.NewResponseController(w).SetReadDeadline(noDeadline)
}

// decode reads a request. Its values are checked when it is sent.
func decode(body []byte) (*request, chat.Completion, error) {
	var in request
	if err := api.Decode(body, &in); err != nil {
		return nil, chat.Completion{}, err
	}
	if err := in.check(); err != nil {
		return nil, chat.Completion{}, err
	}
	c := chat.Completion{Messages: in.Messages, Options: in.Options, Model: in.Model, Keep: in.Store}
	for _, n := range []*int{in.MaxTokens, in.MaxCompletion} {
		if n != nil {
			c.MaxTokens = *n
		}
	}
	return &in, c, nil
}

// check refuses what the protocol has and this endpoint doesn't.
func (in *request) check() error {
	var k problem.Check
	one := func(ok bool, field, detail string) { k.That(ok, field, "unsupported_value", detail) }
	one(in.Choices == nil || *in.Choices == 1, "n", "There is one choice only.")
	one(in.Logprobs == nil || !*in.Logprobs, "logprobs", "Log probabilities are not given.")
	one(in.TopLogprobs == nil || *in.TopLogprobs == 0, "top_logprobs", "Log probabilities are not given.")
	for _, m := range in.Modalities {
		one(m == "text", "modalities", "Answers are text only.")
	}
	for field, v := range map[string]jsontext.Value{"audio": in.Audio, "functions": in.Functions, "function_call": in.Function, "web_search_options": in.Search} {
		one(len(v) == 0 || v.Kind() == 'n', field, "This is not taken; functions go by tools.")
	}
	k.That(in.Model != "", "model", "invalid_value", "Name a model; GET /v1/models lists them.")
	k.That(in.Stream || in.StreamOptions == nil, "stream_options", "invalid_value", "Options of a stream need stream: true.")
	for field, n := range map[string]*int{"max_tokens": in.MaxTokens, "max_completion_tokens": in.MaxCompletion} {
		k.That(n == nil || *n >= 1, field, "invalid_value", "An answer has at least one token.")
	}
	return k.Err()
}
