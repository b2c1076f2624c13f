// Package prices reads docs/prices.json: what AWS charges, with date and source,
// and what Parley assumes about its use. All of it is exact: a decimal in the file
// is a rational number here and never a floating-point one.
package prices

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"os"
)

// Table is docs/prices.json.
type Table struct {
	AsOf        string                `json:"as_of"` // YYYY-MM
	Region      string                `json:"region"`
	Source      string                `json:"source"`
	Prices      map[string]Price      `json:"prices"`
	Assumptions map[string]Assumption `json:"assumptions"`
}

// Price is what so many of something cost.
type Price struct {
	USD Decimal `json:"usd"`
	Per int64   `json:"per"`
	Of  string  `json:"of"` // service, and what is counted
}

// Each is the price of one, in dollars.
func (p Price) Each() *big.Rat {
	return new(big.Rat).Quo(p.USD.Rat(), new(big.Rat).SetInt64(p.Per))
}

// Assumption is a number that isn't measured.
type Assumption struct {
	Value Decimal `json:"value"`
	Why   string  `json:"why"`
}

// Decimal is an exact number, written as a string in JSON. The zero value is no
// number.
type Decimal struct{ rat *big.Rat }

// Exactly is a number that isn't in a file.
func Exactly(rat *big.Rat) Decimal { return Decimal{rat} }

// Rat returns the number.
func (d Decimal) Rat() *big.Rat { return new(big.Rat).Set(d.rat) }

// UnmarshalJSON reads a string such as "0.625".
func (d *Decimal) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("%s: a decimal is written as a string: %w", b, err)
	}
	rat, ok := new(big.Rat).SetString(s)
	if !ok || rat.Sign() < 0 {
		return fmt.Errorf("%q is no price or quantity", s)
	}
	d.rat = rat
	return nil
}

// Load reads a table of prices.
func Load(path string) (Table, error) {
	var t Table
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &t)
	}
	if err == nil {
		err = t.check()
	}
	if err != nil {
		return t, fmt.Errorf("prices %s: %w", path, err)
	}
	return t, nil
}

// Assuming returns a table with more assumptions, and these, from a file that has
// nothing but them. None may be there already.
func (t Table) Assuming(b []byte) (Table, map[string]Assumption, error) {
	var more map[string]Assumption
	if err := json.Unmarshal(b, &more); err != nil {
		return t, nil, fmt.Errorf("assumptions: %w", err)
	}
	all := maps.Clone(t.Assumptions)
	if all == nil {
		all = map[string]Assumption{}
	}
	for name, a := range more {
		if _, twice := all[name]; twice {
			return t, nil, fmt.Errorf("assumption %s is there already", name)
		}
		all[name] = a
	}
	t.Assumptions = all
	return t, more, t.check()
}

func (t Table) check() error {
	for name, p := range t.Prices {
		if p.USD.rat == nil || p.Per < 1 || p.Of == "" {
			return fmt.Errorf("price %s lacks usd, per or of", name)
		}
	}
	for name, a := range t.Assumptions {
		if a.Value.rat == nil || a.Why == "" {
			return fmt.Errorf("assumption %s lacks value or why", name)
		}
	}
	return nil
}

// Cost returns the dollars for so many of something; the price must be there.
func (t Table) Cost(price string, quantity *big.Rat) (*big.Rat, error) {
	p, ok := t.Prices[price]
	if !ok {
		return nil, fmt.Errorf("there is no price %q", price)
	}
	return new(big.Rat).Mul(p.Each(), quantity), nil
}

// Assume returns an assumption's number; it must be there.
func (t Table) Assume(name string) (*big.Rat, error) {
	a, ok := t.Assumptions[name]
	if !ok {
		return nil, fmt.Errorf("there is no assumption %q", name)
	}
	return a.Value.Rat(), nil
}
