package engine

import (
	"fmt"

	"parley/shared/chat"
)

// CallDelta is what a chunk adds to one of the answer's calls of tools.
type CallDelta struct {
	Index     int // of the call within the answer
	ID, Name  string
	Arguments string
}

type callChunk struct {
	Index    int    `json:"index"`
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

// callsOf reads the deltas of a chunk. Calls begin in order, so that an index says
// no more than how many there are.
func callsOf(in []callChunk) ([]CallDelta, error) {
	var out []CallDelta
	for _, c := range in {
		if c.Index < 0 || c.Index >= chat.MaxTools {
			return nil, fmt.Errorf("%w: call of a tool with index %d", ErrBroke, c.Index)
		}
		out = append(out, CallDelta{Index: c.Index, ID: clean(c.ID), Name: clean(c.Function.Name), Arguments: clean(c.Function.Arguments)})
	}
	return out, nil
}

// AddTo returns calls, which it may change, with what d adds.
func (d CallDelta) AddTo(calls []chat.Call) []chat.Call {
	for len(calls) <= d.Index {
		calls = append(calls, chat.Call{Type: "function"})
	}
	c := &calls[d.Index]
	if c.ID == "" {
		c.ID = d.ID
	}
	c.Function.Name += d.Name
	c.Function.Arguments += d.Arguments
	return calls
}
