package bill

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// Page is the bill as one HTML file that needs no other and runs no script.
//
// Amounts are shown with as many digits as the month's sum is worth (places). Each
// column's parts sum to its shown sum (column); what follows from two columns of a
// row, as net from gross and credits, is made of what is shown of them. So all that
// is shown adds up, down and across, and is within one unit of its last digit of
// what is exact.
func (b *Bill) Page() ([]byte, error) {
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, newView(b)); err != nil {
		return nil, fmt.Errorf("page of %s: %w", b.Month, err)
	}
	return out.Bytes(), nil
}

// places is with how many digits after the point a month of that worth is shown.
func places(worth Money) int {
	switch worth = worth.Abs(); {
	case worth.Cmp(MustMoney("1000")) >= 0:
		return 2
	case worth.Cmp(MustMoney("1")) >= 0:
		return 4
	}
	return 6
}

// secondPlaces is places for seconds.
func secondPlaces(all Money) int {
	if all.Cmp(MustMoney("10000")) >= 0 {
		return 0
	}
	return 3
}

func engineSeconds(ms int64) Money { return MustMoney("1").Times(ms, 1000) }

// view is what the page shows, all of it text.
type view struct {
	*Bill
	Title     string
	State     string
	Key       []figure
	Chart     *chart
	Centres   table
	Functions table
	Answers   table
	Users     table
	Services  *table
	Check     []figure
	Odd       *table
	Read      table
	Faults    *table
	More      int64 // faults that aren't listed
	Prices    []figure
}

type figure struct{ Name, Value, Note string }

// table has the first Text columns of text, the others of numbers; its last row is
// the sum if Sum is set.
type table struct {
	Caption string
	Head    []string
	Text    int
	Rows    [][]cell
	Sum     bool
}

type cell struct {
	Text  string
	Title string // of what is shortened
	Bad   bool
	Bar   int // percent of the widest, 0 none
}

// Number reports whether column i has numbers.
func (t table) Number(i int) bool { return i >= t.Text }

// Last reports whether row i is the sum.
func (t table) Last(i int) bool { return t.Sum && i == len(t.Rows)-1 }

func newView(b *Bill) *view {
	n := places(b.Whole.Forecast)
	start, _ := beginning(b.Month)
	v := &view{Bill: b, Title: "Parley: bill of " + start.Format("January 2006"), State: state(b)}
	short := shortNames(b)
	v.Centres = centreTable(b, n)
	v.Functions = functionTable(b, n, short)
	v.Answers = answerTable(b, n)
	v.Users = userTable(b, n)
	v.Chart = newChart(b, short)
	v.key(n)
	v.services(n)
	v.check(n)
	v.odd(n, short)
	v.read()
	v.Prices = []figure{
		{"GB-second, arm64", b.Rates.ARM.String(), ""}, {"GB-second, x86_64", b.Rates.X86.String(), ""}, {"million requests", b.Rates.Requests.String(), ""},
	}
	return v
}

func state(b *Bill) string {
	s := "to " + b.AsOf.Format("2 January 2006, 15:04 UTC")
	if b.Complete {
		s = "whole month"
	}
	if b.Invoiced {
		return s + ", by the invoice"
	}
	return s + ", estimated: there is no invoice yet"
}

func (v *view) key(n int) {
	sum := v.Centres.Rows[len(v.Centres.Rows)-1]
	v.Key = []figure{{"Net so far", sum[3].Text + " " + v.Currency, "all cost centres"}, {"Forecast for the month", sum[4].Text + " " + v.Currency, "usage as it has gone so far"}}
	if v.Whole.Budget != nil {
		left := "left over: " + sum[6].Text
		if over, ok := strings.CutPrefix(sum[6].Text, "−"); ok {
			left = "over by " + over
		}
		v.Key = append(v.Key, figure{"Budget", sum[5].Text + " " + v.Currency, left})
	}
	if v.Answered.Done > 0 {
		v.Key = append(v.Key, figure{"A thousand answers", v.Answered.Thousand.Fixed(max(n, 4)) + " " + v.Currency, "functions and GPU"})
	}
	if v.Bill.Check != nil && v.Bill.Check.Percent != "" {
		v.Key = append(v.Key, figure{"Estimate against invoice", signed(v.Bill.Check.Percent) + " %", "Lambda, by its log lines"})
	}
}

func signed(s string) string {
	if strings.HasPrefix(s, "-") {
		return "−" + s[1:]
	}
	return "+" + s
}

// column is a column of amounts, its last the sum of the others, as they are shown.
func column[R any](rows []R, of func(R) Money, n int) []Money {
	parts := make([]Money, len(rows))
	for i, r := range rows {
		parts[i] = of(r)
	}
	parts = cut(parts, n)
	return append(parts, Sum(parts...))
}

// amount shows an amount that has been cut.
func amount(m Money, n int) cell {
	s := m.Fixed(n)
	whole, fraction, ok := strings.Cut(s, ".")
	minus := strings.HasPrefix(whole, "-")
	whole = grouped(strings.TrimPrefix(whole, "-"))
	if ok {
		whole += "." + fraction
	}
	if minus {
		return cell{Text: "−" + whole}
	}
	return cell{Text: whole}
}

// grouped puts commas between thousands.
func grouped(s string) string {
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func count(n int64) cell {
	if n < 0 {
		return cell{Text: "−" + grouped(strconv.FormatInt(-n, 10))}
	}
	return cell{Text: grouped(strconv.FormatInt(n, 10))}
}

// planned shows a budget and what is left of it; nothing if there is none.
func planned(budget *Money, forecast Money, n int) []cell {
	if budget == nil {
		return []cell{{Text: "–"}, {Text: "–"}}
	}
	shown := cut([]Money{*budget}, n)[0]
	left := shown.Minus(forecast)
	c := amount(left, n)
	c.Bad = left.Sign() < 0
	return []cell{amount(shown, n), c}
}

func centreTable(b *Bill, n int) table {
	t := table{Caption: "Cost centres", Head: []string{"Cost centre", "Gross", "Credits", "Net", "Forecast", "Budget", "Variance"}, Text: 1, Sum: true}
	gross := column(b.Centres, func(r CentreRow) Money { return r.Gross }, n)
	credits := column(b.Centres, func(r CentreRow) Money { return r.Credits }, n)
	forecast := column(b.Centres, func(r CentreRow) Money { return r.Forecast }, n)
	for i, r := range append(slices.Clip(b.Centres), b.Whole) {
		name := named(r.Centre, untagged)
		if i == len(b.Centres) {
			name = "All"
		}
		row := []cell{{Text: printable(name)}, amount(gross[i], n), amount(credits[i], n), amount(gross[i].Plus(credits[i]), n), amount(forecast[i], n)}
		t.Rows = append(t.Rows, append(row, planned(r.Budget, forecast[i], n)...))
	}
	return t
}

func functionTable(b *Bill, n int, short map[string]string) table {
	t := table{Caption: "Functions", Head: []string{"Function", "Cost centre", "Requests", "GB-seconds", "Rate", "Gross", "Credits", "Net", "Forecast", "Budget", "Variance"}, Text: 2, Sum: true}
	gross := column(b.Functions, func(r FunctionRow) Money { return r.Gross }, n)
	credits := column(b.Functions, func(r FunctionRow) Money { return r.Credits }, n)
	forecast := column(b.Functions, func(r FunctionRow) Money { return r.Forecast }, n)
	fraction := secondPlaces(b.Total.GBSeconds)
	seconds := column(b.Functions, func(r FunctionRow) Money { return r.GBSeconds }, fraction)
	widest := Money{}
	for _, m := range gross[:len(b.Functions)] {
		if m.Cmp(widest) > 0 {
			widest = m
		}
	}
	for i, r := range append(slices.Clip(b.Functions), b.Total) {
		name, centre, rate := cell{Text: short[r.Function], Title: printable(strings.TrimSpace(r.Function + " " + r.Region))}, named(r.Centre, untagged), r.Rate.String()
		if several(b, r.Function) {
			name.Text += " (" + r.Region + ")"
		}
		if i == len(b.Functions) {
			name, centre, rate = cell{Text: "All functions"}, "", ""
		} else if widest.Sign() > 0 {
			name.Bar = int(floor(new(big.Rat).Quo(gross[i].Times(100, 1).r(), widest.r())).Int64())
		}
		row := []cell{name, {Text: printable(centre)}, count(r.Requests), amount(seconds[i], fraction), {Text: rate},
			amount(gross[i], n), amount(credits[i], n), amount(gross[i].Plus(credits[i]), n), amount(forecast[i], n)}
		t.Rows = append(t.Rows, append(row, planned(r.Budget, forecast[i], n)...))
	}
	return t
}

// several reports whether functions of that name are in several regions.
func several(b *Bill, function string) bool {
	region, other := "", false
	for _, r := range b.Functions {
		if r.Function == function {
			other = other || region != "" && region != r.Region
			region = r.Region
		}
	}
	return other
}

var deployed = regexp.MustCompile(`^.+-([A-Z][A-Za-z0-9]*?)Function-?[A-Za-z0-9]*$`)

// shortNames are the functions' names without what a stack puts around them, where
// that leaves them different.
func shortNames(b *Bill) map[string]string {
	short, times := map[string]string{"": noFunction}, map[string]int{}
	for _, r := range b.Functions {
		if m := deployed.FindStringSubmatch(r.Function); m != nil && short[r.Function] == "" {
			short[r.Function] = dashed(m[1])
			times[short[r.Function]]++
		}
	}
	for _, r := range b.Functions {
		if s := short[r.Function]; s == "" || times[s] > 1 {
			short[r.Function] = printable(named(r.Function, noFunction))
		}
	}
	return short
}

// dashed writes SendMessage as send-message.
func dashed(camel string) string {
	var s strings.Builder
	for i, r := range camel {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				s.WriteByte('-')
			}
			r += 'a' - 'A'
		}
		s.WriteRune(r)
	}
	return s.String()
}

func answerTable(b *Bill, n int) table {
	t := table{Caption: "Answers", Head: []string{"Plan", "Model", "Answers", "Failed or stopped", "Tokens in", "Tokens out", "GPU seconds", "GPU", "Functions", "Net", "Per 1,000 answers"}, Text: 2, Sum: true}
	gpu := column(b.Answers, func(r AnswerRow) Money { return r.GPU }, n)
	functions := column(b.Answers, func(r AnswerRow) Money { return r.Function }, n)
	fraction := secondPlaces(engineSeconds(b.Answered.EngineMS))
	seconds := column(b.Answers, func(r AnswerRow) Money { return engineSeconds(r.EngineMS) }, fraction)
	for i, r := range append(slices.Clip(b.Answers), b.Answered) {
		plan, model, thousand := printable(named(r.Plan, "–")), printable(named(r.Model, "default")), "–"
		if i == len(b.Answers) {
			plan, model = "All answers", ""
		}
		if r.Done > 0 {
			thousand = amount(r.Thousand, max(n, 4)).Text
		}
		t.Rows = append(t.Rows, []cell{{Text: plan}, {Text: model}, count(r.Done), count(r.Failed + r.Cancelled), count(r.PromptTokens), count(r.CompletionTokens),
			amount(seconds[i], fraction), amount(gpu[i], n), amount(functions[i], n), amount(gpu[i].Plus(functions[i]), n), {Text: thousand}})
	}
	return t
}

func userTable(b *Bill, n int) table {
	t := table{Caption: "The ten most expensive users", Head: []string{"User", "Replies", "Tokens", "GPU seconds", "Net"}, Text: 1, Sum: true}
	net := column(b.Users, func(r UserRow) Money { return r.Net }, n)
	var all UserRow
	for _, r := range b.Users {
		all.EngineMS += r.EngineMS
	}
	fraction := secondPlaces(engineSeconds(all.EngineMS))
	seconds := column(b.Users, func(r UserRow) Money { return engineSeconds(r.EngineMS) }, fraction)
	for i, r := range b.Users {
		all.Replies, all.Tokens = all.Replies+r.Replies, all.Tokens+r.Tokens
		t.Rows = append(t.Rows, []cell{{Text: named(r.User, "all others")}, count(r.Replies), count(r.Tokens), amount(seconds[i], fraction), amount(net[i], n)})
	}
	t.Rows = append(t.Rows, []cell{{Text: "All users"}, count(all.Replies), count(all.Tokens), amount(seconds[len(b.Users)], fraction), amount(net[len(b.Users)], n)})
	return t
}

func (v *view) services(n int) {
	if len(v.Bill.Services) == 0 {
		return
	}
	t := &table{Caption: "The invoice by service", Head: []string{"Service", "Usage", "Purchases", "Credits", "Adjustments", "Tax", "Net", "Of it untagged"}, Text: 1, Sum: true}
	var columns [][]Money
	for _, of := range []func(ServiceRow) Money{func(r ServiceRow) Money { return r.Usage }, func(r ServiceRow) Money { return r.Purchases }, func(r ServiceRow) Money { return r.Credits },
		func(r ServiceRow) Money { return r.Adjustments }, func(r ServiceRow) Money { return r.Tax }} {
		columns = append(columns, column(v.Bill.Services, of, n))
	}
	loose := column(v.Bill.Services, func(r ServiceRow) Money { return r.Untagged }, n)
	for i := range len(v.Bill.Services) + 1 {
		row, net := []cell{{Text: "All services"}}, Money{}
		if i < len(v.Bill.Services) {
			row[0].Text = printable(v.Bill.Services[i].Service)
		}
		for _, c := range columns {
			row, net = append(row, amount(c[i], n)), net.Plus(c[i])
		}
		t.Rows = append(t.Rows, append(row, amount(net, n), amount(loose[i], n)))
	}
	v.Services = t
}

func (v *view) check(n int) {
	c := v.Bill.Check
	if c == nil {
		return
	}
	of := cut([]Money{c.Estimate, c.Invoiced}, n)
	v.Check = []figure{
		{"Days compared", c.From + " to " + c.Through, "both have them in full"},
		{"By Lambda's own lines", amount(of[0], n).Text, "requests and GB-seconds at list prices"},
		{"By the invoice", amount(of[1], n).Text, "usage of Lambda, before credits"},
		{"Difference", amount(of[0].Minus(of[1]), n).Text, ""},
	}
	if c.Percent != "" {
		v.Check[3].Note = signed(c.Percent) + " % of the invoice"
	}
	if c.Other != "" {
		v.Check = append(v.Check, figure{c.Other + ", all services", amount(*c.OtherTotal, n).Text, "off the other export by " + amount(*c.OtherDiff, n).Text})
	}
}

func (v *view) odd(n int, short map[string]string) {
	if len(v.Bill.Anomalies) == 0 {
		return
	}
	t := &table{Caption: "Days that stand out", Head: []string{"Day", "Function", "Cost", "Usual", "More or less", "Weeks compared"}, Text: 2}
	for _, a := range v.Bill.Anomalies {
		of := []Money{cut([]Money{a.Cost}, n)[0], cut([]Money{a.Usual}, n)[0]}
		name := named(short[a.Function], printable(a.Function))
		t.Rows = append(t.Rows, []cell{{Text: a.Day}, {Text: name, Title: printable(a.Function)}, amount(of[0], n), amount(of[1], n), amount(of[0].Minus(of[1]), n), count(int64(a.Weeks))})
	}
	v.Odd = t
}

func (v *view) read() {
	t := table{Caption: "What was read", Head: []string{"Source", "Files", "Rows", "Counted once though they came twice", "Can't be read"}, Text: 1}
	faults := table{Caption: "What can't be read", Head: []string{"Source", "File", "Why", "Row"}, Text: 3}
	for _, s := range v.Sources {
		bad := count(s.Read.Faults)
		bad.Bad = s.Read.Faults > 0
		t.Rows = append(t.Rows, []cell{{Text: s.Name}, count(s.Read.Files), count(s.Rows), count(s.Read.Duplicates + s.Read.Repeated), bad})
		for _, f := range s.Read.Listed {
			faults.Rows = append(faults.Rows, []cell{{Text: s.Name}, {Text: printable(f.File)}, {Text: printable(f.Why)}, count(f.Row)})
		}
		v.More += s.Read.Faults - int64(len(s.Read.Listed))
	}
	v.Read = t
	if len(faults.Rows) > 0 {
		v.Faults = &faults
	}
}
