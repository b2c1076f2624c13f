package bill

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Make makes the bill.
func Make(m Material) (*Bill, error) {
	start, err := beginning(m.Month)
	if err != nil {
		return nil, err
	}
	mk := &maker{Material: m, start: start, end: start.AddDate(0, 1, 0), owned: owners(m.Functions)}
	asOf := m.Now.UTC().Truncate(time.Hour)
	if asOf.After(mk.end) {
		asOf = mk.end
	}
	mk.asOf = later(asOf, start)
	b := &Bill{Month: m.Month, AsOf: mk.asOf, Complete: mk.asOf.Equal(mk.end), Currency: "USD", Invoiced: m.Invoice != nil, Rates: m.Settings.Rates, Pending: m.Pending}
	if m.Invoice != nil && m.Invoice.Currency != "" {
		b.Currency = m.Invoice.Currency
	}
	answers, users := m.Turns.settled()
	gpu, from := mk.gpu(answers)
	b.GPUFrom = from
	mk.functions(b)
	mk.answers(b, answers, total(gpu))
	mk.users(b, users)
	mk.centres(b, gpu)
	mk.services(b)
	mk.reconcile(b)
	byDay := mk.byDay()
	mk.days(b, byDay)
	mk.anomalies(b, byDay)
	mk.sources(b)
	return b, nil
}

// beginning is when a month (YYYY-MM) begins.
func beginning(month string) (time.Time, error) {
	start, err := time.Parse("2006-01", month)
	if err != nil {
		return start, fmt.Errorf("month %.20q: it is written YYYY-MM", month)
	}
	return start, nil
}

type maker struct {
	Material
	start, end, asOf time.Time
	owned            map[owner]Function
}

func (m *maker) inMonth(day string) bool { return len(day) == 10 && day[:7] == m.Month }

// forecasts carries usage on to the month's end, as the month has gone so far. What
// comes once, as credits and purchases do, isn't carried on: it is added as it is.
func (m *maker) forecasts(parts []Money) []Money {
	gone, all := int64(m.asOf.Sub(m.start).Hours()), int64(m.end.Sub(m.start).Hours())
	if gone == all {
		return parts
	}
	grown := make([]Money, len(parts))
	for i, p := range parts {
		grown[i] = p.Times(all, max(gone, 1))
	}
	return cut(grown, fine)
}

// owner is whose a row of functions is.
type owner struct{ region, function string }

func owners(functions []Function) map[owner]Function {
	all := map[owner]Function{}
	for _, f := range functions {
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

func (m *maker) gross(k WorkKey, w Work) Money {
	rate, _ := m.rate(m.owned[owner{k.Region, k.Function}])
	return rate.Times(w.MBms, gbSecond).Plus(m.Settings.Rates.Requests.Times(w.Requests, 1_000_000))
}

func (m *maker) functions(b *Bill) {
	type key struct {
		owner
		centre string
	}
	rows := map[key]*FunctionRow{}
	row := func(o owner, centre string) *FunctionRow {
		f := m.owned[o]
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
		r := row(o, m.owned[o].Centre)
		r.Requests += w.Requests
		r.Inits += w.Inits
		r.mbms += w.MBms
		r.Gross = r.Gross.Plus(m.gross(k, w))
	}
	if m.Invoice != nil {
		for k, sum := range m.Invoice.Sums {
			if !isLambda(k.Service) || k.Category == Tax {
				continue
			}
			centre := k.Centre
			if f, ok := m.owned[owner{k.Region, k.Function}]; ok && k.Function != "" {
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
		if r.Function != "" { // else it is that of the cost centre as a whole
			r.Budget = m.Settings.budget(r.Centre, r.Function, m.Month)
		}
		if r.Budget != nil {
			v := r.Budget.Minus(f)
			r.Variance = &v
			budgets = append(budgets, *r.Budget)
		}
		t := &b.Total
		t.Requests += r.Requests
		t.Inits += r.Inits
		t.GBSeconds, t.Gross, t.Credits, t.Net = t.GBSeconds.Plus(r.GBSeconds), t.Gross.Plus(r.Gross), t.Credits.Plus(r.Credits), t.Net.Plus(r.Net)
		t.Invoiced, t.Forecast = t.Invoiced.Plus(r.Invoiced), t.Forecast.Plus(r.Forecast)
	}
	if len(budgets) > 0 {
		sum := Sum(budgets...)
		b.Total.Budget = &sum
	}
}

func (m *maker) centres(b *Bill, gpu map[string]Money) {
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
	for k, w := range m.Lines.Work {
		if m.inMonth(k.Day) && k.Day <= through {
			c.Estimate = c.Estimate.Plus(m.gross(k, w))
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
	days := map[string]map[string]Money{}
	for k, w := range m.Lines.Work {
		if days[k.Day] == nil {
			days[k.Day] = map[string]Money{}
		}
		days[k.Day][k.Function] = days[k.Day][k.Function].Plus(m.gross(k, w))
	}
	return days
}

func (m *maker) days(b *Bill, days map[string]map[string]Money) {
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
