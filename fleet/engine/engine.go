// Package engine talks to whatever serves the model, in the OpenAI protocol:
// llama.cpp and vLLM, alone or behind a router. It streams answers, goes on with
// one that was cut, and asks what the server can tell of its context, its slots
// and the exact length of a prompt.
package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"parley/fleet/prompt"
)

// Failures of an engine, told apart by what the caller can do about them.
var (
	// ErrDown: it can't be reached or is overloaded. Later or elsewhere the same
	// request may succeed.
	ErrDown = errors.New("engine is not available")
	// ErrFull is an ErrDown by its own word: it has no room for more.
	ErrFull = fmt.Errorf("%w: it has no room", ErrDown)
	// ErrBroke is an ErrDown after it had taken the request: it broke off, hung or
	// failed. That may be the request's fault, too.
	ErrBroke = fmt.Errorf("%w: it failed on a request", ErrDown)
	// ErrTooLong: the prompt doesn't fit in its context.
	ErrTooLong = errors.New("prompt is longer than the engine's context")
	// ErrRefused: it will never take this request.
	ErrRefused = errors.New("engine refused the request")
	// ErrInvalid is an ErrRefused that is the request's own fault.
	ErrInvalid = fmt.Errorf("%w: it is not valid", ErrRefused)
)

// Settings say how an engine is used.
type Settings struct {
	URL         string            // e.g. http://127.0.0.1:8181, without /v1
	Model       string            // name in the engine's API of what requests don't name
	Models      map[string]string // name in the engine's API by the name in requests
	Key         string            // bearer token, may be empty
	Temperature *float64          // nil: the engine's own
	FirstToken  time.Duration     // longest wait for the first piece of an answer
	Idle        time.Duration     // longest wait for every other piece
}

// Client is an engine's client. It is safe for concurrent use.
type Client struct {
	set    Settings
	http   *http.Client
	single atomic.Bool // it is known to be no router
}

// New returns a client. It keeps no connection alive between answers, so that
// closing an answer closes its connection, which is how engines learn of it.
func New(set Settings) *Client {
	set.URL = strings.TrimSuffix(strings.TrimRight(set.URL, "/"), "/v1")
	dialer := net.Dialer{Timeout: time.Second}
	return &Client{set: set, http: &http.Client{Transport: &http.Transport{
		DialContext:         dialer.DialContext,
		TLSHandshakeTimeout: 2 * time.Second,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     3 * time.Second, // shorter than llama.cpp's 5 s, which would break a request
	}}}
}

// Request asks for an answer.
type Request struct {
	Model     string // as Settings.Models has it; else it is Settings.Model
	Turns     []prompt.Turn
	Options   jsontext.Value // an object of what else the engine is told, or nil for its own settings
	MaxTokens int            // of what is still to come
	Continue  string         // the answer's beginning, if it was cut: only what follows is streamed
	User      string         // owner: keeps cached prefixes of different users apart
	Session   string         // the chat: a router keeps its prompts on one replica
	// Priority among what waits at the engine: the lower goes first. It is sent only
	// where it isn't 0, because vLLM refuses any other unless it runs with
	// --scheduling-policy priority. llama.cpp takes no notice of it.
	Priority int
}

type completion struct {
	Model         string         `json:"model,omitempty"`
	Messages      []prompt.Turn  `json:"messages"`
	Stream        bool           `json:"stream"`
	StreamOptions map[string]any `json:"stream_options"`
	MaxTokens     int            `json:"max_tokens"`
	Temperature   *float64       `json:"temperature,omitempty"`
	CacheSalt     string         `json:"cache_salt,omitempty"`
	Priority      int            `json:"priority,omitzero"`
	ContinueFinal *bool          `json:"continue_final_message,omitempty"`
	AddGeneration *bool          `json:"add_generation_prompt,omitempty"`
	TokenTimings  bool           `json:"timings_per_token"` // llama.cpp counts in every chunk
	Options       jsontext.Value `json:",embed"`
}

// Chat starts an answer. The stream has to be closed; closing it, or ending ctx,
// frees the engine's slot.
func (c *Client) Chat(ctx context.Context, r Request) (*Stream, error) {
	body := completion{
		Model: c.model(r.Model), Messages: r.Turns, Stream: true,
		StreamOptions: map[string]any{"include_usage": true, "continuous_usage_stats": true}, TokenTimings: true,
		CacheSalt: salt(r.User), Priority: r.Priority, Options: r.Options,
	}
	if r.Options == nil {
		body.Temperature = c.set.Temperature
	}
	var seam seam
	seam, body.MaxTokens = newSeam(r.Continue, r.MaxTokens)
	if seam.kept != "" {
		yes, no := true, false
		body.Messages = append(body.Messages[:len(body.Messages):len(body.Messages)], prompt.Turn{Role: "assistant", Text: seam.kept})
		body.ContinueFinal, body.AddGeneration = &yes, &no
	}
	ctx, cancel := context.WithCancelCause(ctx)
	watch := time.AfterFunc(c.set.FirstToken, func() { cancel(fmt.Errorf("%w: nothing came in time", ErrBroke)) })
	resp, err := c.do(ctx, http.MethodPost, "/v1/chat/completions", body, r.Session)
	if err != nil {
		watch.Stop()
		cause := context.Cause(ctx)
		cancel(nil)
		if cause != nil {
			return nil, cause
		}
		return nil, err
	}
	return &Stream{ctx: ctx, cancel: cancel, watch: watch, idle: c.set.Idle, body: resp.Body,
		events: newEvents(resp.Body), seam: seam}, nil
}

// model is what the engine calls a model.
func (c *Client) model(name string) string {
	if own, ok := c.set.Models[name]; ok {
		return own
	}
	return c.set.Model
}

// salt keeps one user's cached prefixes from another's without naming the user.
func salt(user string) string {
	if user == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("parley prefix cache " + user))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func (c *Client) do(ctx context.Context, method, path string, in any, session string) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("%w: encode request: %w", ErrRefused, err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.set.URL+path, body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	req.Header.Set("Content-Type", "application/json")
	if session != "" {
		req.Header.Set("X-Session-Id", session)
	}
	if c.set.Key != "" {
		req.Header.Set("Authorization", "Bearer "+c.set.Key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, unreachable(err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, refusal(resp)
}

// unreachable tells an engine that wasn't there from one that hung up.
func unreachable(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return fmt.Errorf("%w: %w", ErrDown, err)
	}
	if strings.Contains(err.Error(), "server closed idle connection") { // before it took the request; net/http has no name for it
		return fmt.Errorf("%w: %w", ErrDown, err)
	}
	return fmt.Errorf("%w: %w", ErrBroke, err)
}

// refusal says what an answer other than 200 means. Its text is for operators.
func refusal(resp *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 2048)) // as much of it as there is
	kind := ErrRefused
	switch status := resp.StatusCode; {
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		kind = ErrFull
	case status >= http.StatusBadGateway:
		kind = ErrDown
	case status == http.StatusInternalServerError, status == http.StatusRequestTimeout:
		kind = ErrBroke
	case bytes.Contains(text, []byte("exceed")) && bytes.Contains(text, []byte("context")),
		bytes.Contains(text, []byte("maximum context length")):
		kind = ErrTooLong
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		kind = ErrInvalid
	}
	return fmt.Errorf("%w: status %d: %.300q", kind, resp.StatusCode, text)
}
