package openai

import "parley/shared/chat"

// finishCalls is why an answer ends that is, or ends with, calls of tools.
const finishCalls = "tool_calls"

// heading begins an answer and each of its chunks.
type heading struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"` // Unix time
	Model   string `json:"model"`
}

type completion struct {
	heading
	Choices []choice `json:"choices"`
	Usage   *usage   `json:"usage"`
}

type choice struct {
	Index    int     `json:"index"`
	Message  message `json:"message"`
	Logprobs *string `json:"logprobs"` // always null
	Finish   string  `json:"finish_reason"`
}

type message struct {
	Role    string      `json:"role"`
	Content *string     `json:"content"`
	Refusal *string     `json:"refusal"` // always null
	Calls   []chat.Call `json:"tool_calls,omitempty"`
}

type chunk struct {
	heading
	Choices []chunkChoice `json:"choices"`
	Usage   **usage       `json:"usage,omitzero"` // null in all chunks but the last, where it was asked for
}

type chunkChoice struct {
	Index    int     `json:"index"`
	Delta    delta   `json:"delta"`
	Logprobs *string `json:"logprobs"` // always null
	Finish   *string `json:"finish_reason"`
}

type delta struct {
	Role    string      `json:"role,omitempty"`
	Content *string     `json:"content,omitzero"`
	Calls   []callDelta `json:"tool_calls,omitempty"`
}

type callDelta struct {
	Index    int         `json:"index"`
	ID       string      `json:"id,omitempty"`
	Type     string      `json:"type,omitempty"`
	Function calledDelta `json:"function"`
}

type calledDelta struct {
	Name      string `json:"name,omitempty"`
	Arguments string `json:"arguments"`
}

type usage struct {
	Prompt     int     `json:"prompt_tokens"`
	Completion int     `json:"completion_tokens"`
	Total      int     `json:"total_tokens"`
	Details    details `json:"prompt_tokens_details"`
}

type details struct {
	Cached int `json:"cached_tokens"`
}

func usageOf(m chat.Message) *usage {
	if m.Usage == nil {
		return &usage{}
	}
	u := m.Usage
	return &usage{Prompt: u.PromptTokens, Completion: u.CompletionTokens, Total: u.PromptTokens + u.CompletionTokens,
		Details: details{u.CachedTokens}}
}

// finishOf is why the reply ended, in one of the protocol's words.
func finishOf(m chat.Message) string {
	switch {
	case m.Finish == "length":
		return "length"
	case len(m.Calls) > 0:
		return finishCalls
	}
	return "stop"
}

// whole makes one answer of a reply.
func whole(about heading, m chat.Message) completion {
	about.Object = "chat.completion"
	said := message{Role: "assistant", Calls: m.Calls}
	if m.Text != "" || len(m.Calls) == 0 {
		said.Content = &m.Text
	}
	return completion{heading: about, Choices: []choice{{Message: said, Finish: finishOf(m)}}, Usage: usageOf(m)}
}
