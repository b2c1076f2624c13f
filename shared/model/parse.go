package model

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"parley/shared/quota"
)

// Bounds of a table. A Lambda function takes 4 KB of settings in all, a parameter
// of a template 4096 characters.
const (
	maxTable   = 4096 // bytes of JSON
	maxName    = 100  // bytes
	maxURL     = 200  // bytes
	minContext = 256  // tokens
	maxContext = 16 << 20
	maxPrice   = 10_000 // USD per million tokens
)

// row is a model as the configuration spells it.
type row struct {
	Name        string       `json:"name"`
	Engine      string       `json:"engine"`
	EngineModel string       `json:"engine_model"` // default: the name
	Context     int          `json:"context"`
	Vision      bool         `json:"vision"`
	Plans       []quota.Plan `json:"plans"` // default: all
	Price       Price        `json:"price"`
}

// Parse reads a table; white space alone is the zero Table. The error names the
// row and everything that is wrong with it.
func Parse(text string) (Table, error) {
	if strings.TrimSpace(text) == "" {
		return Table{}, nil
	}
	if len(text) > maxTable {
		return Table{}, fmt.Errorf("the table of models has %d bytes; %d is the most", len(text), maxTable)
	}
	var rows []row
	if err := json.Unmarshal([]byte(text), &rows, json.RejectUnknownMembers(true)); err != nil {
		return Table{}, fmt.Errorf("the table of models can't be read: %w", err)
	}
	if len(rows) == 0 {
		return Table{}, errors.New("the table of models is empty: leave it out, or name one model")
	}
	var t Table
	var wrong []error
	for i, r := range rows {
		m, err := r.model()
		if err == nil && slices.ContainsFunc(t.rows, func(other Model) bool { return other.Name == m.Name }) {
			err = errors.New("another row has the same name")
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("model %d (%.40q): %w", i+1, r.Name, err))
		}
		t.rows = append(t.rows, m)
	}
	if len(wrong) > 0 {
		return Table{}, errors.Join(wrong...)
	}
	return t, nil
}

// UnmarshalText makes a Table a setting from the environment.
func (t *Table) UnmarshalText(text []byte) (err error) {
	*t, err = Parse(string(text))
	return err
}

func (r row) model() (Model, error) {
	m := Model{Name: r.Name, Engine: strings.TrimRight(r.Engine, "/"), EngineModel: cmp.Or(r.EngineModel, r.Name),
		Context: r.Context, Vision: r.Vision, Plans: r.Plans, Price: r.Price}
	if r.Plans == nil {
		m.Plans = []quota.Plan{quota.Free, quota.Premium}
	}
	var wrong []error
	check := func(ok bool, what string) {
		if !ok {
			wrong = append(wrong, errors.New(what))
		}
	}
	check(named(m.Name), "name: 1 to 100 of a-z A-Z 0-9 . _ : / -")
	check(named(m.EngineModel), "engine_model: 1 to 100 of a-z A-Z 0-9 . _ : / -")
	check(m.Engine == "" || reachable(m.Engine), "engine: an http or https URL without /v1, user, query or fragment")
	check(m.Context == 0 || m.Context >= minContext && m.Context <= maxContext, "context: 256 to 16777216 tokens")
	check(len(m.Plans) > 0 && distinct(m.Plans), "plans: one or more of free, premium, each once")
	check(affordable(m.Price.Prompt) && affordable(m.Price.Completion), "price: 0 to 10000 USD per million tokens")
	return m, errors.Join(wrong...)
}

func named(s string) bool {
	return s != "" && len(s) <= maxName && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._:/-", r)
	})
}

func reachable(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= maxURL && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" &&
		u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == "" && !strings.HasSuffix(u.Path, "/v1")
}

func distinct(plans []quota.Plan) bool {
	for i, p := range plans {
		if !p.Valid() || slices.Contains(plans[:i], p) {
			return false
		}
	}
	return true
}

func affordable(usd float64) bool { return usd >= 0 && usd <= maxPrice }
