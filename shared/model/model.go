// Package model is the table of models that a fleet serves: what each is called,
// which engine has it, who may use it and what it costs.
//
// The table is configuration, a JSON array that functions, worker and relay read
// from the same variable MODELS. It is parsed strictly, so that a misspelt field
// stops a process at its start and not a user in the middle of a chat.
package model

import (
	"strings"

	"parley/shared/problem"
	"parley/shared/quota"
)

// Default is the name of the one model of a table that isn't set.
const Default = "smollm2-135m-instruct"

// Model is one row.
type Model struct {
	Name        string       // what users ask for
	Engine      string       // URL without /v1; empty: the worker's own ENGINE_URL
	EngineModel string       // its name in the engine's API
	Context     int          // tokens of a prompt and its answer; 0: as the engine says
	Vision      bool         // takes pictures
	Plans       []quota.Plan // who may use it, at least one
	Price       Price
}

// Price is what tokens cost, in USD per million.
type Price struct {
	Prompt     float64 `json:"prompt"`
	Completion float64 `json:"completion"`
}

// Why somebody doesn't get a model.
var (
	ErrUnknown = &problem.Error{Kind: problem.Invalid, Code: "unknown_model", Message: "There is no such model.",
		Fields: []problem.Field{{Field: "model", Code: "unknown_model", Detail: "There is no such model."}}}
	ErrNotAllowed = problem.New(problem.Forbidden, "model_not_allowed", "Your plan doesn't include this model.")
)

// Table is the models in the order in which they were configured. The zero Table
// has one, Default, that everybody may use.
type Table struct{ rows []Model }

// Unset reports whether t is the zero Table.
func (t Table) Unset() bool { return len(t.rows) == 0 }

// All returns every model.
func (t Table) All() []Model {
	if t.Unset() {
		return []Model{{Name: Default, EngineModel: Default, Plans: []quota.Plan{quota.Free, quota.Premium}}}
	}
	return t.rows
}

// Of returns the models of a plan.
func (t Table) Of(plan quota.Plan) []Model {
	var some []Model
	for _, m := range t.All() {
		if m.allows(plan) {
			some = append(some, m)
		}
	}
	return some
}

// Known reports whether there is a model of that name; the empty one leaves the
// choice to the fleet.
func (t Table) Known(name string) bool {
	_, ok := t.named(name)
	return ok || name == ""
}

// Find returns the model of that name, or with an empty name the first that the
// plan may use. ErrUnknown, ErrNotAllowed.
func (t Table) Find(name string, plan quota.Plan) (Model, error) {
	if name == "" {
		if some := t.Of(plan); len(some) > 0 {
			return some[0], nil
		}
		return Model{}, ErrNotAllowed
	}
	m, ok := t.named(name)
	switch {
	case !ok:
		return Model{}, ErrUnknown
	case !m.allows(plan):
		return Model{}, ErrNotAllowed
	}
	return m, nil
}

// On returns the models of the engine at url. A row without an engine is on every
// one.
func (t Table) On(url string) []Model {
	var some []Model
	for _, m := range t.All() {
		if m.on(url) {
			some = append(some, m)
		}
	}
	return some
}

// Route returns the model that somebody of that plan is answered by, and whether
// the engine at url has it. What isn't in the table is on none: a release that has
// it may be on its way.
func (t Table) Route(name string, plan quota.Plan, url string) (Model, bool) {
	m, err := t.Find(name, plan)
	return m, err == nil && m.on(url)
}

func (m Model) on(url string) bool {
	return m.Engine == "" || m.Engine == strings.TrimSuffix(strings.TrimRight(url, "/"), "/v1")
}

func (t Table) named(name string) (Model, bool) {
	for _, m := range t.All() {
		if m.Name == name {
			return m, true
		}
	}
	return Model{}, false
}

func (m Model) allows(plan quota.Plan) bool {
	for _, p := range m.Plans {
		if p == plan {
			return true
		}
	}
	return false
}
