package bill

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// JSON is the bill with every amount as an exact decimal in a string.
func (b *Bill) JSON() ([]byte, error) {
	out, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode bill of %s: %w", b.Month, err)
	}
	return append(out, '\n'), nil
}

// Sheet is a table of the bill as CSV.
type Sheet struct {
	Name string // such as functions.csv
	CSV  []byte
}

// Sheets are the bill's tables, amounts exact. Their last rows are the sums, named
// "total" in the first column.
func (b *Bill) Sheets() []Sheet {
	return []Sheet{b.functionSheet(), b.centreSheet(), b.serviceSheet(), b.answerSheet(), b.userSheet(), b.faultSheet()}
}

// sheet writes rows. Cells are numbers, which spreadsheets take as they are, or text.
func sheet(name string, head []string, rows ...[]any) Sheet {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.Write(head) // a buffer takes everything
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = cellOf(cell)
		}
		w.Write(cells)
	}
	w.Flush()
	return Sheet{name, out.Bytes()}
}

func cellOf(cell any) string {
	switch c := cell.(type) {
	case string:
		return harmless(c)
	case *Money:
		if c == nil {
			return ""
		}
		return c.String()
	}
	return fmt.Sprint(cell)
}

// harmless is a text that no spreadsheet takes for a formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(s[0])) {
		return "'" + s
	}
	return s
}

// untagged stands for no cost centre, whatever is shown.
const untagged = "untagged"

func named(s, empty string) string {
	if s == "" {
		return empty
	}
	return s
}

// noFunction stands for what names no function.
const noFunction = "of no single function"

func (b *Bill) functionSheet() Sheet {
	var rows [][]any
	for _, r := range append(slices.Clip(b.Functions), b.Total) {
		name, centre, rate := named(r.Function, noFunction), named(r.Centre, untagged), any(r.Rate)
		if len(rows) == len(b.Functions) {
			name, centre, rate = "total", "", ""
		}
		rows = append(rows, []any{name, r.Region, centre, r.Architecture, r.Requests, r.Inits, r.GBSeconds, rate, b.Rates.Requests, r.Gross, r.Credits, r.Net, r.Invoiced, r.Forecast, r.Budget, r.Variance})
	}
	return sheet("functions.csv", []string{"function", "region", "cost_centre", "architecture", "requests", "initialisations", "gb_seconds", "rate_gb_second", "rate_million_requests",
		"gross", "credits", "net", "invoiced", "forecast", "budget", "variance"}, rows...)
}

func (b *Bill) centreSheet() Sheet {
	var rows [][]any
	for _, r := range append(slices.Clip(b.Centres), b.Whole) {
		name := named(r.Centre, untagged)
		if len(rows) == len(b.Centres) {
			name = "total"
		}
		rows = append(rows, []any{name, r.Gross, r.Credits, r.Net, r.Forecast, r.Budget, r.Variance})
	}
	return sheet("cost-centres.csv", []string{"cost_centre", "gross", "credits", "net", "forecast", "budget", "variance"}, rows...)
}

func (b *Bill) serviceSheet() Sheet {
	var rows [][]any
	for _, r := range append(slices.Clip(b.Services), b.Invoice) {
		name := r.Service
		if len(rows) == len(b.Services) {
			name = "total"
		}
		rows = append(rows, []any{name, r.Usage, r.Purchases, r.Credits, r.Adjustments, r.Tax, r.Net, r.Untagged})
	}
	return sheet("services.csv", []string{"service", "usage", "purchases", "credits", "adjustments", "tax", "net", "untagged"}, rows...)
}

func (b *Bill) answerSheet() Sheet {
	var rows [][]any
	for _, r := range append(slices.Clip(b.Answers), b.Answered) {
		plan, model := r.Plan, r.Model
		if len(rows) == len(b.Answers) {
			plan, model = "total", ""
		}
		rows = append(rows, []any{plan, model, r.Done, r.Failed, r.Cancelled, r.PromptTokens, r.CachedTokens, r.CompletionTokens, r.EngineMS, r.GPU, r.Function, r.Net, r.Thousand})
	}
	return sheet("answers.csv", []string{"plan", "model", "done", "failed", "cancelled", "prompt_tokens", "cached_tokens", "completion_tokens", "engine_ms", "gpu", "functions", "net", "per_thousand_answers"}, rows...)
}

func (b *Bill) userSheet() Sheet {
	var rows [][]any
	for _, r := range b.Users {
		rows = append(rows, []any{named(r.User, "all others"), r.Replies, r.Tokens, r.EngineMS, r.Net})
	}
	return sheet("users.csv", []string{"user", "replies", "tokens", "engine_ms", "net"}, rows...)
}

func (b *Bill) faultSheet() Sheet {
	var rows [][]any
	for _, s := range b.Sources {
		for _, f := range s.Read.Listed {
			rows = append(rows, []any{s.Name, f.File, f.Row, f.Why})
		}
		if more := s.Read.Faults - int64(len(s.Read.Listed)); more > 0 {
			rows = append(rows, []any{s.Name, "", more, "more that are counted and not listed"})
		}
	}
	return sheet("unreadable.csv", []string{"source", "file", "row", "why"}, rows...)
}
