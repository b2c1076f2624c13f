package main

import (
	_ "embed"
	"errors"
	"fmt"
	"math"

	"github.com/go-json-experiment/json"
)

// published is what others have measured of engines, with where they say so.
//
//go:embed engines.json
var published []byte

// Engine is a model on some GPUs.
type Engine struct {
	Name  string `json:"name"`
	Model string `json:"model"`
	GPU   string `json:"gpu"`
	GPUs  int    `json:"gpus"`  // of one engine
	Price string `json:"price"` // of a GPU's hour, in docs/prices.json
	VCPUs int    `json:"vcpus"` // that an instance has for each GPU

	// Where what follows is published, when, and how it was measured.
	Source     string  `json:"source"`
	URL        string  `json:"url"`
	Date       string  `json:"date"`
	Conditions string  `json:"conditions"`
	Published  []Shape `json:"published"`
}

// Shape is what one engine wrote, in tokens a second, while prompts and answers had
// these lengths.
type Shape struct {
	In              int     `json:"in"`
	Out             int     `json:"out"`
	TokensPerSecond float64 `json:"tokens_per_second"`
}

func decodeEngines(b []byte) ([]Engine, error) {
	var all []Engine
	if err := json.Unmarshal(b, &all, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New("there is no engine")
	}
	for _, e := range all {
		if e.Name == "" || e.Model == "" || e.GPUs < 1 || e.VCPUs < 1 || len(e.Published) == 0 || e.Source == "" || e.URL == "" || e.Date == "" || e.Conditions == "" {
			return nil, fmt.Errorf("engine %q lacks something", e.Name)
		}
		for _, s := range e.Published {
			if s.In < 1 || s.Out < 1 || !within(s.TokensPerSecond, 1, 1e9) {
				return nil, fmt.Errorf("engine %q: %d in, %d out is no measurement", e.Name, s.In, s.Out)
			}
		}
	}
	return all, nil
}

// nearest is the published shape that is most like a prompt and its answer.
func (e Engine) nearest(p Prompt) Shape {
	best, least := e.Published[0], math.Inf(1)
	for _, s := range e.Published {
		away := math.Abs(math.Log(float64(p.PromptTokens)/float64(s.In))) + math.Abs(math.Log(float64(p.AnswerTokens)/float64(s.Out)))
		if away < least {
			best, least = s, away
		}
	}
	return best
}

// seconds is for how long one prompt keeps one GPU busy, if the engine does nothing
// but prompts like it: by the nearest shape, in proportion to all tokens. Attention
// grows faster than that, so of prompts longer than any that is published it is the
// least.
func (e Engine) seconds(p Prompt) float64 {
	s := e.nearest(p)
	times := float64(p.PromptTokens+p.AnswerTokens) / float64(s.In+s.Out)
	return times * float64(s.Out) / s.TokensPerSecond * float64(e.GPUs)
}
