//go:build service

package openai_test

import (
	"errors"
	"testing"
	"time"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"parley/fleet/enginetest"
)

// OpenAI's own client, which takes an empty line for an event, isn't disturbed by
// comments between the chunks, and knows an error within a stream.
func TestCommentsDisturbNoClient(t *testing.T) {
	d, e := open(t), engine(t, 0)
	d.Endpoint.Silent, d.Endpoint.Beat = time.Millisecond, time.Millisecond
	e.Pace = 10 * time.Millisecond
	d.Work(d.Parts(e.URL))
	client := sdk.NewClient(option.WithBaseURL(d.URL+"/v1"), option.WithAPIKey(d.Token), option.WithMaxRetries(0))
	ask := sdk.ChatCompletionNewParams{Model: "smollm2-135m-instruct", Messages: []sdk.ChatCompletionMessageParamUnion{sdk.UserMessage("Why?")}}
	read := func() (text string, err error) {
		stream := client.Chat.Completions.NewStreaming(t.Context(), ask)
		defer stream.Close()
		for stream.Next() {
			if c := stream.Current().Choices; len(c) > 0 {
				text += c[0].Delta.Content
			}
		}
		return text, stream.Err()
	}
	if text, err := read(); err != nil || text != enginetest.Answer("Why?", 40) {
		t.Errorf("%q, %v", text, err)
	}
	e.Change(func(e *enginetest.Engine) { e.Refuse = 400 })
	if text, err := read(); err == nil {
		t.Errorf("no error, but %q", text)
	}
	d.Endpoint.Silent = time.Minute
	_, err := read()
	if refused := (*sdk.Error)(nil); !errors.As(err, &refused) || refused.StatusCode != 400 || refused.Code != "request_refused" {
		t.Errorf("%v", err)
	}
}
