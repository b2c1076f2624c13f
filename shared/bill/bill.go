package bill

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"time"
)

// Function is a Lambda function as its account lists it.
type Function struct {
	Name         string `json:"name"`
	Region       string `json:"region"`
	Architecture string `json:"architecture"` // arm64 or x86_64
	Centre       string `json:"cost_centre"`  // by tag; empty: untagged
}

// Bill is what a month has cost. Every amount in it is a decimal that comes out
// even, and what is a part of something sums to it.
type Bill struct {
	Month     string          `json:"month"` // YYYY-MM, in UTC
	AsOf      time.Time       `json:"as_of"` // the end of the last hour that is in it
	Complete  bool            `json:"complete"`
	Currency  string          `json:"currency"`
	Invoiced  bool            `json:"invoiced"` // an invoice's export was there
	Functions []FunctionRow   `json:"functions"`
	Total     FunctionRow     `json:"functions_total"`
	Centres   []CentreRow     `json:"cost_centres"`
	Whole     CentreRow       `json:"cost_centres_total"`
	Services  []ServiceRow    `json:"services,omitempty"`
	Invoice   ServiceRow      `json:"services_total"`
	Check     *Reconciliation `json:"reconciliation,omitempty"`
	Answers   []AnswerRow     `json:"answers"`
	Answered  AnswerRow       `json:"answers_total"`
	GPUFrom   string          `json:"gpu_from"` // invoice or estimate
	Users     []UserRow       `json:"users"`
	UsersWhy  string          `json:"users_note,omitempty"` // what the list is not certain of
	Days      []DayRow        `json:"days"`
	Anomalies []Anomaly       `json:"anomalies"`
	Rates     Rates           `json:"rates"`
	Sources   []Source        `json:"sources"`
	Pending   int             `json:"hours_pending"`        // whose lines or records haven't been read yet
	Elsewhen  int64           `json:"rows_of_other_months"` // of exports, left out
}

// FunctionRow is a function in a cost centre.
type FunctionRow struct {
	Function     string `json:"function"` // empty: what no line or row names a function for
	Region       string `json:"region,omitempty"`
	Centre       string `json:"cost_centre"` // empty: untagged
	Architecture string `json:"architecture"`
	Requests     int64  `json:"requests"`
	Inits        int64  `json:"initialisations"`
	GBSeconds    Money  `json:"gb_seconds"` // no money, but as exact
	Rate         Money  `json:"rate"`       // of a GB-second; of a sum 0
	Gross        Money  `json:"gross"`      // by the lines, at list prices
	Credits      Money  `json:"credits"`    // by the invoice, not above 0
	Net          Money  `json:"net"`        // gross and credits
	Invoiced     Money  `json:"invoiced"`   // usage by the invoice
	Forecast     Money  `json:"forecast"`   // of net at the month's end: gross carried on, credits as they are
	Budget       *Money `json:"budget,omitempty"`
	Variance     *Money `json:"variance,omitempty"` // budget less forecast: below 0 it will not do
	mbms         int64
}

// CentreRow is a cost centre: of all its services by the invoice or, before there is
// one, its functions and GPUs by the estimate.
type CentreRow struct {
	Centre   string `json:"cost_centre"` // empty: untagged
	Gross    Money  `json:"gross"`       // usage, purchases and tax
	Credits  Money  `json:"credits"`     // credits and adjustments
	Net      Money  `json:"net"`
	Forecast Money  `json:"forecast"`
	Budget   *Money `json:"budget,omitempty"`
	Variance *Money `json:"variance,omitempty"`
}

// ServiceRow is a service of the invoice.
type ServiceRow struct {
	Service     string `json:"service"`
	Usage       Money  `json:"usage"`
	Purchases   Money  `json:"purchases"`
	Credits     Money  `json:"credits"`
	Adjustments Money  `json:"adjustments"`
	Tax         Money  `json:"tax"`
	Net         Money  `json:"net"`
	Untagged    Money  `json:"untagged"` // of Net
}

// Reconciliation compares the estimate with the invoice, over days that both have in
// full.
type Reconciliation struct {
	From       string `json:"from"` // the first day
	Through    string `json:"through"`
	Estimate   Money  `json:"estimate"`
	Invoiced   Money  `json:"invoiced"`
	Difference Money  `json:"difference"`
	Percent    string `json:"percent"` // of what is invoiced; empty if that is 0
	Other      string `json:"other_export,omitempty"`
	OtherTotal *Money `json:"other_total,omitempty"`      // of the other export
	OtherDiff  *Money `json:"other_difference,omitempty"` // from this one's total
}

// AnswerRow is what answers of a plan by a model have cost.
type AnswerRow struct {
	Plan     string `json:"plan"`
	Model    string `json:"model"` // empty: the fleet's own choice
	Answers  `json:"used"`
	GPU      Money `json:"gpu"`
	Function Money `json:"functions"`
	Net      Money `json:"net"`
	Thousand Money `json:"per_thousand"` // dollars per thousand answers that were done
}

// UserRow is a user. The last row of a bill is all others.
type UserRow struct {
	User     string `json:"user"` // pseudonym; empty: all others
	Replies  int64  `json:"replies"`
	Tokens   int64  `json:"tokens"`
	EngineMS int64  `json:"engine_ms"`
	Net      Money  `json:"net"`
}

// DayRow is a day's gross cost by function.
type DayRow struct {
	Day   string           `json:"day"`
	Gross map[string]Money `json:"gross"`
	Sum   Money            `json:"sum"`
}

// Anomaly is a day of a function that stands out.
type Anomaly struct {
	Day      string `json:"day"`
	Function string `json:"function"`
	Cost     Money  `json:"cost"`
	Usual    Money  `json:"usual"` // median of the same weekdays before
	Weeks    int    `json:"weeks"` // that were compared
}

// Source is something that was read.
type Source struct {
	Name string `json:"name"`
	Read Read   `json:"read"`
	Rows int64  `json:"rows"`
}

// Material is what a bill is made of.
type Material struct {
	Month     string // YYYY-MM
	Now       time.Time
	Lines     *Partial // of the month, and of the weeks before it that Settings look back
	Turns     *Partial
	Functions []Function
	Invoice   *Invoice // nil: there is none
	Other     *Invoice // another export of the same, nil: there is none
	Settings  Settings
	Pending   int
}

// Make makes the bill.
func Make(m Material) (*Bill, error) {
	start, err := time.Parse("2006-01", m.Month)
	if err != nil {
		return nil, fmt.Errorf("month %.20q: it is written YYYY-MM", m.Month)
	}
	mk := &maker{Material: m, start: start, end: start.AddDate(0, 1, 0)}
	asOf := m.Now.UTC().Truncate(time.Hour)
	if asOf.After(mk.end) {
		asOf = mk.end
	}
	mk.asOf = later(asOf, start)
	b := &Bill{Month: m.Month, AsOf: mk.asOf, Complete: mk.asOf.Equal(mk.end), Currency: "USD", Invoiced: m.Invoice != nil, Rates: m.Settings.Rates, Pending: m.Pending}
	if m.Invoice != nil && m.Invoice.Currency != "" {
		b.Currency = m.Invoice.Currency
	}
	mk.functions(b)
	mk.answers(b)
	mk.centres(b)
	mk.services(b)
	mk.reconcile(b)
	mk.days(b)
	mk.anomalies(b)
	mk.sources(b)
	return b, nil
}

type maker struct {
	Material
	start, end, asOf time.Time
}

func (m *maker) inMonth(day string) bool { return len(day) == 10 && day[:7] == m.Month }

// forecasts carries usage on to the month's end, as the month has gone so far. What
// comes once, as credits and purchases do, isn't carried on: it is added as it is.
func (m *maker) forecasts(parts []Money) []Money {
	gone, all := int64(m.asOf.Sub(m.start).Hours()), int64(m.end.Sub(m.start).Hours())
	gone = max(gone, 1)
	grown := make([]Money, len(parts))
	for i, p := range parts {
		grown[i] = p.Times(all, gone)
	}
	if gone == all {
		return parts
	}
	return cut(grown, fine)
}

// place is where a row of functions belongs.
type owner struct{ region, function string }

func (m *maker) owners() map[owner]Function {
	all := map[owner]Function{}
	for _, f := range m.Functions {
		all[owner{f.Region, f.Name}] = f
		if any, ok := all[owner{"", f.Name}]; !ok || f.Region < any.Region { // lines may not say
			all[owner{"", f.Name}] = f
		}
	}
	return all
}

// rate returns the price of a GB-second, and of which processor.
func (m *maker) rate(f Function) (Money, string) {
	if f.Architecture == "x86_64" {
		return m.Settings.Rates.X86, f.Architecture
	}
	return m.Settings.Rates.ARM, "arm64"
}

const gbSecond = 1024 * 1000 // MB·ms

func (m *maker) gross(f Function, w Work) Money {
	rate, _ := m.rate(f)
	return rate.Times(w.MBms, gbSecond).Plus(m.Settings.Rates.Requests.Times(w.Requests, 1_000_000))
}

func (m *maker) functions(b *Bill) {
	owners := m.owners()
	type key struct {
		owner
		centre string
	}
	rows := map[key]*FunctionRow{}
	row := func(o owner, centre string) *FunctionRow {
		f := owners[o]
		if o.region == "" {
			o.region = f.Region
		}
		k := key{o, centre}
		if rows[k] == nil {
			rate, architecture := m.rate(f)
			rows[k] = &FunctionRow{Function: o.function, Region: o.region, Centre: centre, Architecture: architecture, Rate: rate}
		}
		return rows[k]
	}
	for k, w := range m.Lines.Work {
		if !m.inMonth(k.Day) {
			continue
		}
		o := owner{k.Region, k.Function}
		f := owners[o]
		r := row(o, f.Centre)
		r.Requests += w.Requests
		r.Inits += w.Inits
		r.mbms += w.MBms
		r.Gross = r.Gross.Plus(m.gross(f, w))
	}
	if m.Invoice != nil {
		for k, sum := range m.Invoice.Sums {
			if !isLambda(k.Service) || k.Category == Tax {
				continue
			}
			centre := k.Centre
			if f, ok := owners[owner{k.Region, k.Function}]; ok && k.Function != "" {
				centre = f.Centre // the line's and the charge's row are one
			}
			r := row(owner{k.Region, k.Function}, centre)
			if k.Category == Credit || k.Category == Adjustment {
				r.Credits = r.Credits.Plus(Money{sum})
			} else {
				r.Invoiced = r.Invoiced.Plus(Money{sum})
			}
		}
	}
	for _, r := range rows {
		r.GBSeconds = MustMoney("1").Times(r.mbms, gbSecond)
		r.Net = r.Gross.Plus(r.Credits)
		b.Functions = append(b.Functions, *r)
	}
	slices.SortFunc(b.Functions, func(a, c FunctionRow) int {
		return cmp.Or(c.Gross.Cmp(a.Gross), c.Invoiced.Cmp(a.Invoiced), cmp.Compare(a.Function, c.Function), cmp.Compare(a.Region, c.Region), cmp.Compare(a.Centre, c.Centre))
	})
	m.plan(b)
}

// plan fills in forecasts, budgets and the sum of the functions.
func (m *maker) plan(b *Bill) {
	gross := make([]Money, len(b.Functions))
	for i, r := range b.Functions {
		gross[i] = r.Gross
	}
	budgets := []Money{}
	for i, f := range m.forecasts(gross) {
		r := &b.Functions[i]
		f = f.Plus(r.Credits)
		r.Forecast = f
		r.Budget = m.Settings.budget(r.Centre, r.Function, m.Month)
		if r.Function == "" {
			r.Budget = nil // that of the cost centre as a whole
		}
		if r.Budget != nil {
			v := r.Budget.Minus(f)
			r.Variance = &v
			budgets = append(budgets, *r.Budget)
		}
		t := &b.Total
		t.Requests += r.Requests
		t.Inits += r.Inits
		t.mbms += r.mbms
		t.GBSeconds, t.Gross, t.Credits, t.Net = t.GBSeconds.Plus(r.GBSeconds), t.Gross.Plus(r.Gross), t.Credits.Plus(r.Credits), t.Net.Plus(r.Net)
		t.Invoiced, t.Forecast = t.Invoiced.Plus(r.Invoiced), t.Forecast.Plus(r.Forecast)
	}
	if len(budgets) > 0 {
		sum := Sum(budgets...)
		b.Total.Budget = &sum
	}
}

// gpu returns what engines cost by cost centre, and who says so.
func (m *maker) gpu() (map[string]Money, string) {
	by := map[string]Money{}
	if m.Invoice != nil {
		for k, sum := range m.Invoice.Sums {
			if k.Component == m.Settings.GPU.Component && k.Component != "" && !isLambda(k.Service) && k.Category != Tax {
				by[k.Centre] = by[k.Centre].Plus(Money{sum})
			}
		}
		if len(by) > 0 {
			return by, "invoice"
		}
	}
	answers, _ := m.Turns.settled()
	ms := new(big.Int)
	for k, a := range answers {
		if m.inMonth(k.Day) {
			ms.Add(ms, big.NewInt(a.EngineMS))
		}
	}
	cost := new(big.Rat).SetFrac(ms, big.NewInt(3_600_000))
	cost.Mul(cost, m.Settings.GPU.Hour.r())
	cost.Quo(cost, new(big.Rat).SetInt64(m.Settings.GPU.AtOnce))
	if cost.Sign() > 0 {
		by[m.Settings.GPU.Centre] = cut([]Money{{cost}}, fine)[0]
	}
	return by, "estimate"
}

func total(by map[string]Money) Money { return Sum(slices.Collect(maps.Values(by))...) }

func (m *maker) answers(b *Bill) {
	gpu, from := m.gpu()
	b.GPUFrom = from
	answers, users := m.Turns.settled()
	type key struct{ plan, model string }
	sums := map[key]Answers{}
	for k, a := range answers {
		if m.inMonth(k.Day) {
			sums[key{k.Plan, k.Model}] = sums[key{k.Plan, k.Model}].plus(a)
		}
	}
	if len(sums) == 0 && (total(gpu).Sign() != 0 || b.Total.Net.Sign() != 0) {
		sums[key{"", ""}] = Answers{} // nobody has asked, and it cost something
	}
	keys := slices.SortedFunc(maps.Keys(sums), func(x, y key) int { return cmp.Or(cmp.Compare(x.plan, y.plan), cmp.Compare(x.model, y.model)) })
	var engine, replies []*big.Rat
	for _, k := range keys {
		engine = append(engine, new(big.Rat).SetInt64(sums[k].EngineMS))
		replies = append(replies, new(big.Rat).SetInt64(sums[k].replies()))
	}
	gpus, functions := Split(total(gpu), engine, fine), splitExactly(b.Total.Net, replies)
	for i, k := range keys {
		r := AnswerRow{Plan: k.plan, Model: k.model, Answers: sums[k], GPU: gpus[i], Function: functions[i]}
		r.Net = r.GPU.Plus(r.Function)
		r.Thousand = perThousand(r)
		b.Answers = append(b.Answers, r)
		t := &b.Answered
		t.Answers = t.Answers.plus(r.Answers)
		t.GPU, t.Function, t.Net = t.GPU.Plus(r.GPU), t.Function.Plus(r.Function), t.Net.Plus(r.Net)
	}
	b.Answered.Thousand = perThousand(b.Answered)
	m.users(b, users)
}

// splitExactly is Split to a billionth, whose first part has what is finer than
// that, so that the parts sum to the amount as it is.
func splitExactly(whole Money, weights []*big.Rat) []Money {
	parts := Split(whole, weights, fine)
	if len(parts) > 0 {
		parts[0] = parts[0].Plus(whole.Minus(Sum(parts...)))
	}
	return parts
}

func perThousand(r AnswerRow) Money {
	if r.Done == 0 {
		return Money{}
	}
	return cut([]Money{r.Net.Times(1000, r.Done)}, fine)[0]
}

// shownUsers is how many users a bill names.
const shownUsers = 10

func (m *maker) users(b *Bill, users map[UserKey]Use) {
	type key struct{ plan, model string }
	rows := map[key]AnswerRow{}
	for _, r := range b.Answers {
		rows[key{r.Plan, r.Model}] = r
	}
	cost, by := map[string]*big.Rat{}, map[string]Use{}
	for k, u := range users {
		if k.Month != m.Month {
			continue
		}
		r := rows[key{k.Plan, k.Model}]
		add(cost, k.User, share(r.GPU, u.EngineMS, r.EngineMS).Plus(share(r.Function, u.Replies, r.replies())))
		by[k.User] = by[k.User].plus(u)
	}
	names := slices.SortedFunc(maps.Keys(cost), func(x, y string) int { return cmp.Or(cost[y].Cmp(cost[x]), cmp.Compare(x, y)) })
	names = slices.DeleteFunc(names, func(n string) bool { return n == "" })
	rest := UserRow{Net: b.Answered.Net}
	for _, u := range by {
		rest.Replies, rest.Tokens, rest.EngineMS = rest.Replies+u.Replies, rest.Tokens+u.Tokens, rest.EngineMS+u.EngineMS
	}
	for _, n := range names[:min(len(names), shownUsers)] {
		u := by[n]
		r := UserRow{n, u.Replies, u.Tokens, u.EngineMS, cut([]Money{{cost[n]}}, fine)[0]}
		rest = UserRow{"", rest.Replies - r.Replies, rest.Tokens - r.Tokens, rest.EngineMS - r.EngineMS, rest.Net.Minus(r.Net)}
		b.Users = append(b.Users, r)
	}
	b.Users = append(b.Users, rest)
	if cutOff := m.Turns.Read.UsersCut; cutOff > 0 {
		b.UsersWhy = fmt.Sprintf("In some hours there were more users than are kept apart. Each of these may have used up to %d seconds of engines more than is shown, and another may belong here by as much.", cutOff/1000)
	}
}

func share(whole Money, part, of int64) Money {
	if of == 0 {
		return Money{}
	}
	return whole.Times(part, of)
}

func (m *maker) centres(b *Bill) {
	rows, usage := map[string]*CentreRow{"": {}}, map[string]Money{}
	row := func(centre string) *CentreRow {
		if rows[centre] == nil {
			rows[centre] = &CentreRow{Centre: centre}
		}
		return rows[centre]
	}
	for _, p := range m.Settings.Budgets {
		if p.Function == "" && (p.Month == "" || p.Month == m.Month) {
			row(p.Centre)
		}
	}
	if m.Invoice != nil {
		for k, sum := range m.Invoice.Sums {
			r := row(k.Centre)
			if k.Category == Credit || k.Category == Adjustment {
				r.Credits = r.Credits.Plus(Money{sum})
			} else {
				r.Gross = r.Gross.Plus(Money{sum})
			}
			if k.Category == UsageCharge {
				usage[k.Centre] = usage[k.Centre].Plus(Money{sum})
			}
		}
	} else {
		for _, f := range b.Functions {
			r := row(f.Centre)
			r.Gross = r.Gross.Plus(f.Gross)
		}
		gpu, _ := m.gpu()
		for centre, cost := range gpu {
			r := row(centre)
			r.Gross = r.Gross.Plus(cost)
		}
		for centre, r := range rows {
			usage[centre] = r.Gross
		}
	}
	var used []Money
	for _, centre := range append(slices.Sorted(maps.Keys(rows))[1:], "") { // what is untagged comes last
		r := rows[centre]
		r.Net = r.Gross.Plus(r.Credits)
		b.Centres = append(b.Centres, *r)
		used = append(used, usage[centre])
	}
	var budgets []Money
	for i, f := range m.forecasts(used) {
		r := &b.Centres[i]
		f = f.Plus(r.Net.Minus(used[i]))
		r.Forecast = f
		if r.Budget = m.Settings.budget(r.Centre, "", m.Month); r.Budget != nil {
			v := r.Budget.Minus(f)
			r.Variance = &v
			budgets = append(budgets, *r.Budget)
		}
		w := &b.Whole
		w.Gross, w.Credits, w.Net, w.Forecast = w.Gross.Plus(r.Gross), w.Credits.Plus(r.Credits), w.Net.Plus(r.Net), w.Forecast.Plus(r.Forecast)
	}
	if len(budgets) > 0 {
		sum := Sum(budgets...)
		v := sum.Minus(b.Whole.Forecast)
		b.Whole.Budget, b.Whole.Variance = &sum, &v
	}
}

func (m *maker) services(b *Bill) {
	if m.Invoice == nil {
		return
	}
	rows := map[string]*ServiceRow{}
	for k, sum := range m.Invoice.Sums {
		r := rows[k.Service]
		if r == nil {
			r = &ServiceRow{Service: k.Service}
			rows[k.Service] = r
		}
		for _, to := range []*ServiceRow{r, &b.Invoice} {
			to.add(k, Money{sum})
		}
	}
	for _, r := range rows {
		b.Services = append(b.Services, *r)
	}
	slices.SortFunc(b.Services, func(x, y ServiceRow) int { return cmp.Or(y.Net.Cmp(x.Net), cmp.Compare(x.Service, y.Service)) })
}

func (r *ServiceRow) add(k ChargeKey, sum Money) {
	to := map[Category]*Money{UsageCharge: &r.Usage, Purchase: &r.Purchases, Credit: &r.Credits, Adjustment: &r.Adjustments, Tax: &r.Tax}[k.Category]
	*to = to.Plus(sum)
	r.Net = r.Net.Plus(sum)
	if k.Centre == "" {
		r.Untagged = r.Untagged.Plus(sum)
	}
}

// reconcile compares Lambda's usage. The last day of an invoice that still grows is
// left out.
func (m *maker) reconcile(b *Bill) {
	if m.Invoice == nil || m.Invoice.Through == "" {
		return
	}
	through := min(m.Invoice.Through, m.asOf.Add(-time.Second).Format(time.DateOnly))
	if m.Now.Before(m.end.AddDate(0, 0, 5)) {
		last, _ := time.Parse(time.DateOnly, through)
		through = last.AddDate(0, 0, -1).Format(time.DateOnly)
	}
	c := &Reconciliation{From: m.start.Format(time.DateOnly), Through: through}
	owners := m.owners()
	for k, w := range m.Lines.Work {
		if m.inMonth(k.Day) && k.Day <= through {
			c.Estimate = c.Estimate.Plus(m.gross(owners[owner{k.Region, k.Function}], w))
		}
	}
	for day, sum := range m.Invoice.Lambda {
		if day <= through {
			c.Invoiced = c.Invoiced.Plus(Money{sum})
		}
	}
	c.Difference = c.Estimate.Minus(c.Invoiced)
	c.Percent = Percent(c.Difference, c.Invoiced)
	if m.Other != nil {
		sum := m.Other.Total()
		diff := sum.Minus(m.Invoice.Total())
		c.Other, c.OtherTotal, c.OtherDiff = m.Other.Name, &sum, &diff
	}
	b.Check = c
}

// byDay is what each function cost each day, of all days that are there.
func (m *maker) byDay() map[string]map[string]Money {
	days, owners := map[string]map[string]Money{}, m.owners()
	for k, w := range m.Lines.Work {
		if days[k.Day] == nil {
			days[k.Day] = map[string]Money{}
		}
		days[k.Day][k.Function] = days[k.Day][k.Function].Plus(m.gross(owners[owner{k.Region, k.Function}], w))
	}
	return days
}

func (m *maker) days(b *Bill) {
	days := m.byDay()
	for day := m.start; day.Before(m.asOf) || day.Equal(m.start); day = day.AddDate(0, 0, 1) {
		name := day.Format(time.DateOnly)
		b.Days = append(b.Days, DayRow{name, days[name], total(days[name])})
	}
}

func (m *maker) sources(b *Bill) {
	b.Sources = []Source{{"REPORT lines", m.Lines.Read, m.Lines.Read.Lines}, {"usage records", m.Turns.Read, m.Turns.Read.Records}}
	for _, v := range []*Invoice{m.Invoice, m.Other} {
		if v != nil {
			b.Sources = append(b.Sources, Source{v.Name + " export", v.Read, v.Rows})
			b.Elsewhen += v.Elsewhen
		}
	}
}

// Faults is how many rows of all sources can't be read.
func (b *Bill) Faults() (n int64) {
	for _, s := range b.Sources {
		n += s.Read.Faults
	}
	return n
}
