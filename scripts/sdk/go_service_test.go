//go:build service

package sdk

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/shared"
)

const capital = "What is the capital of France?"

func (p *person) client(key string) openai.Client {
	p.t.Setenv("OPENAI_BASE_URL", p.base+"/v1")
	p.t.Setenv("OPENAI_API_KEY", key)
	return openai.NewClient(option.WithMaxRetries(0))
}

func question(text string, tokens int64) openai.ChatCompletionNewParams {
	messages := []openai.ChatCompletionMessageParamUnion{openai.SystemMessage("You are a helpful AI assistant."), openai.UserMessage(text)}
	return openai.ChatCompletionNewParams{Model: model, Messages: messages,
		Temperature: openai.Float(0), MaxCompletionTokens: openai.Int(tokens)}
}

func TestGo(t *testing.T) {
	p := enter(t, 1000)
	c := p.client(p.key)
	models := c.Models.ListAutoPaging(t.Context())
	var names []string
	for models.Next() {
		names = append(names, models.Current().ID)
	}
	if models.Err() != nil || !slices.Contains(names, model) {
		t.Errorf("models %v, %v", names, models.Err())
	}
	whole, err := c.Chat.Completions.New(t.Context(), question(capital, 24))
	if err != nil || !strings.Contains(whole.Choices[0].Message.Content, "Paris") || whole.Usage.TotalTokens == 0 {
		t.Fatalf("%+v, %v", whole, err)
	}
	asked := question(capital, 24)
	asked.StreamOptions.IncludeUsage = openai.Bool(true)
	stream := c.Chat.Completions.NewStreaming(t.Context(), asked)
	var all openai.ChatCompletionAccumulator
	for stream.Next() {
		if !all.AddChunk(stream.Current()) {
			t.Errorf("a chunk that doesn't belong there: %s", stream.Current().RawJSON())
		}
	}
	if err := stream.Err(); err != nil || all.Choices[0].Message.Content != whole.Choices[0].Message.Content ||
		all.Choices[0].FinishReason != whole.Choices[0].FinishReason || all.Usage.CompletionTokens != whole.Usage.CompletionTokens {
		t.Errorf("streamed %+v, %v; at once %+v", all.ChatCompletion, err, whole)
	}
}

func TestGoSchema(t *testing.T) {
	p := enter(t, 1000)
	c, asked := p.client(p.key), question(capital, 64)
	asked.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{
		Name: "city", Strict: openai.Bool(true), Schema: map[string]any{"type": "object", "required": []string{"city"}, "additionalProperties": false,
			"properties": map[string]any{"city": map[string]any{"enum": []string{"Paris", "Rome"}}}}}}
	a, err := c.Chat.Completions.New(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	var said struct{ City string }
	if err := json.Unmarshal([]byte(a.Choices[0].Message.Content), &said); err != nil || said.City != "Paris" && said.City != "Rome" {
		t.Errorf("%q, %v", a.Choices[0].Message.Content, err)
	}
}

func TestGoErrors(t *testing.T) {
	p, poor := enter(t, 1000), enter(t, 1)
	c := p.client(p.key)
	warm, strange := question(capital, 1), question(capital, 1)
	warm.Temperature, strange.Model = openai.Float(9), "gpt-9"
	try := func(c openai.Client, asked openai.ChatCompletionNewParams, status int, code string) {
		t.Helper()
		_, err := c.Chat.Completions.New(t.Context(), asked)
		e, ok := errors.AsType[*openai.Error](err)
		if !ok || e.StatusCode != status || e.Code != code {
			t.Errorf("%v; want %d %s", err, status, code)
		}
	}
	try(c, warm, 400, "invalid_value")
	try(c, strange, 404, "model_not_found")
	try(openai.NewClient(option.WithMaxRetries(0), option.WithAPIKey(p.token)), question(capital, 1), 401, "invalid_api_key")
	c = p.client(poor.key)
	if _, err := c.Chat.Completions.New(t.Context(), question(capital, 1)); err != nil {
		t.Error(err)
	}
	try(c, question(capital, 1), 429, "rate_limit_exceeded")
}

func TestGoGoesAway(t *testing.T) {
	p := enter(t, 1000)
	c, asked := p.client(p.key), question("Write a long story about a lighthouse, its keeper and the sea.", 1000)
	asked.Store = openai.Bool(true)
	stream := c.Chat.Completions.NewStreaming(t.Context(), asked)
	for range 4 {
		if !stream.Next() {
			t.Fatal(stream.Err())
		}
	}
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
	p.stopped()
}
