package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"

	"parley/fleet/prompt"
)

// About is what an engine says of itself; zero where it doesn't.
type About struct {
	Context int // tokens that one prompt and its answer have together
	Slots   int // answers that it writes at once
}

// askFor bounds a question about the engine itself.
const askFor = 2 * time.Second

// Health returns nil if the engine takes requests. A router's /health is bad as
// soon as one of its engines is away; its /readiness says whether any is there.
func (c *Client) Health(ctx context.Context) error {
	err := c.ask(ctx, http.MethodGet, "/health", nil, nil)
	if _, unreachable := errors.AsType[*url.Error](err); err == nil || unreachable {
		return err
	}
	if c.ask(ctx, http.MethodGet, "/readiness", nil, nil) == nil {
		return nil
	}
	return err
}

// About asks llama.cpp's /props and every server's /v1/models.
func (c *Client) About(ctx context.Context) (About, error) {
	var props struct {
		Slots    int `json:"total_slots"`
		Settings struct {
			Context int `json:"n_ctx"`
		} `json:"default_generation_settings"`
	}
	if err := c.ask(ctx, http.MethodGet, "/props", nil, &props); err == nil && props.Settings.Context > 0 {
		return About{Context: props.Settings.Context, Slots: props.Slots}, nil
	}
	var models struct {
		Data []struct {
			ID       string `json:"id"`
			MaxModel int    `json:"max_model_len"`
			Meta     struct {
				Context int `json:"n_ctx"`
			} `json:"meta"`
		} `json:"data"`
	}
	if err := c.ask(ctx, http.MethodGet, "/v1/models", nil, &models); err != nil {
		return About{}, err
	}
	for _, m := range models.Data {
		if m.ID == c.set.Model || c.set.Model == "" || len(models.Data) == 1 {
			return About{Context: max(m.MaxModel, m.Meta.Context)}, nil
		}
	}
	return About{}, fmt.Errorf("%w: it has no model %q", ErrRefused, c.set.Model)
}

// Count returns the exact number of tokens of a prompt with the model's chat
// template, as llama.cpp (two calls) or vLLM (one) counts them.
func (c *Client) Count(ctx context.Context, turns []prompt.Turn) (int, error) {
	var whole struct {
		Count int `json:"count"` // vLLM
	}
	chat := map[string]any{"model": c.set.Model, "messages": turns}
	var rendered struct {
		Prompt string `json:"prompt"`
	}
	if err := c.ask(ctx, http.MethodPost, "/apply-template", chat, &rendered); err != nil {
		if err := c.ask(ctx, http.MethodPost, "/tokenize", chat, &whole); err != nil {
			return 0, err
		}
		if whole.Count == 0 {
			return 0, fmt.Errorf("%w: it doesn't count tokens", ErrRefused)
		}
		return whole.Count, nil
	}
	var tokens struct {
		Tokens []int `json:"tokens"`
	}
	text := map[string]any{"content": rendered.Prompt, "add_special": true, "parse_special": true}
	if err := c.ask(ctx, http.MethodPost, "/tokenize", text, &tokens); err != nil {
		return 0, err
	}
	return len(tokens.Tokens), nil
}

// ask makes one small call and decodes its answer into out unless that is nil.
func (c *Client) ask(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	resp, err := c.do(ctx, method, path, in, "")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return fmt.Errorf("%w: read %s: %w", ErrDown, path, err)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("%w: %s is not what was expected: %w", ErrRefused, path, err)
	}
	return nil
}
