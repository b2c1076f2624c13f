package bill

import (
	"encoding/json"
	"fmt"
	"time"
)

// Settings are what finance and operators decide: settings.json in the bucket.
// What it doesn't say is as DefaultSettings has it.
type Settings struct {
	Budgets   []Budget `json:"budgets"`
	Rates     Rates    `json:"rates"`
	GPU       GPU      `json:"gpu"`
	Anomalies Rule     `json:"anomalies"`
}

// Budget is what a cost centre, or one function of it, may cost in a month.
type Budget struct {
	Centre   string `json:"cost_centre"`        // empty: what is untagged
	Function string `json:"function,omitempty"` // empty: all of the cost centre
	Month    string `json:"month,omitempty"`    // YYYY-MM; empty: every month that has none of its own
	USD      Money  `json:"usd"`
}

// Rates are Lambda's prices in dollars.
type Rates struct {
	ARM      Money `json:"arm64_gb_second"`
	X86      Money `json:"x86_64_gb_second"`
	Requests Money `json:"million_requests"`
}

// GPU says what a second on an engine costs as long as no invoice does, and which
// rows of an invoice are the engines'.
type GPU struct {
	Hour      Money  `json:"hour"`        // of one GPU
	AtOnce    int64  `json:"at_once"`     // answers that it writes at a time
	Centre    string `json:"cost_centre"` // of the estimate
	Component string `json:"component"`   // value of the tag component, in invoices
}

// Rule says when a day stands out: when it is off the median of the same weekdays
// of Weeks weeks before by more than Times their median deviation, by more than a
// quarter of the median, and by at least Least.
type Rule struct {
	Weeks int   `json:"weeks"`
	Times int64 `json:"times"`
	Least Money `json:"least_usd"`
}

// The weeks that a rule may look back, before the month: fewer than three say nothing.
const (
	fewestWeeks = 3
	MostWeeks   = 8
)

// DefaultSettings are Parley's own, with the prices of docs/prices.json.
func DefaultSettings(priceFile []byte) (Settings, error) {
	s := Settings{GPU: GPU{AtOnce: 128, Centre: "parley", Component: "engine"}, Anomalies: Rule{Weeks: 5, Times: 4, Least: MustMoney("5")}}
	var table struct {
		Prices map[string]struct {
			USD Money `json:"usd"`
			Per int64 `json:"per"`
		} `json:"prices"`
	}
	if err := json.Unmarshal(priceFile, &table); err != nil {
		return s, fmt.Errorf("prices: %w", err)
	}
	for name, price := range map[string]struct {
		to *Money
		of int64
	}{
		"lambda_gb_second": {&s.Rates.ARM, 1}, "lambda_gb_second_x86": {&s.Rates.X86, 1},
		"lambda_request": {&s.Rates.Requests, 1_000_000}, "gpu_hour": {&s.GPU.Hour, 1},
	} {
		p, ok := table.Prices[name]
		if !ok || p.Per < 1 {
			return s, fmt.Errorf("prices: there is no %s", name)
		}
		*price.to = p.USD.Times(price.of, p.Per)
	}
	return s, s.check()
}

// Over returns s with what a settings.json says.
func (s Settings) Over(file []byte) (Settings, error) {
	if err := strictly(file, &s); err != nil {
		return s, fmt.Errorf("settings: %w", err)
	}
	return s, s.check()
}

func (s Settings) check() error {
	type at struct{ centre, function, month string }
	had := map[at]bool{}
	for i, b := range s.Budgets {
		k := at{b.Centre, b.Function, b.Month}
		if _, err := time.Parse("2006-01", b.Month); b.Month != "" && err != nil || b.USD.Sign() < 0 || had[k] {
			return fmt.Errorf("settings: budget %d of cost centre %.80q is there twice, negative, or of a month that isn't written YYYY-MM", i+1, b.Centre)
		}
		had[k] = true
	}
	if min(s.Rates.ARM.Sign(), s.Rates.X86.Sign(), s.Rates.Requests.Sign(), s.GPU.Hour.Sign(), s.Anomalies.Least.Sign()) < 0 {
		return fmt.Errorf("settings: an amount is negative")
	}
	if s.GPU.AtOnce < 1 || s.GPU.AtOnce > 1<<20 {
		return fmt.Errorf("settings: gpu.at_once is %d", s.GPU.AtOnce)
	}
	if s.Anomalies.Weeks < fewestWeeks || s.Anomalies.Weeks > MostWeeks || s.Anomalies.Times < 1 || s.Anomalies.Times > 100 {
		return fmt.Errorf("settings: anomalies look back %d weeks, %d times the deviation; from %d to %d weeks can be", s.Anomalies.Weeks, s.Anomalies.Times, fewestWeeks, MostWeeks)
	}
	return nil
}

// budget returns what was planned; nil if nothing was.
func (s Settings) budget(centre, function, month string) *Money {
	var found *Money
	for _, b := range s.Budgets {
		if b.Centre != centre || b.Function != function || b.Month != "" && b.Month != month {
			continue
		}
		if found == nil || b.Month != "" {
			found = &b.USD
		}
	}
	return found
}
