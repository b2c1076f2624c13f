package bill

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// anomalies compares each whole day of the month with the same weekdays before it.
func (m *maker) anomalies(b *Bill, days map[string]map[string]Money) {
	first := slices.Sorted(maps.Keys(days))
	if len(first) == 0 {
		return
	}
	functions := map[string]bool{}
	for _, by := range days {
		for f := range by {
			functions[f] = true
		}
	}
	for day := m.start; !day.AddDate(0, 0, 1).After(m.asOf); day = day.AddDate(0, 0, 1) {
		for f := range functions {
			var before []Money
			for week := 1; week <= m.Settings.Anomalies.Weeks; week++ {
				name := day.AddDate(0, 0, -7*week).Format(time.DateOnly)
				if name >= first[0] { // there was Parley already
					before = append(before, days[name][f])
				}
			}
			name := day.Format(time.DateOnly)
			if usual, out := m.Settings.Anomalies.standsOut(days[name][f], before); out {
				b.Anomalies = append(b.Anomalies, Anomaly{name, f, days[name][f], usual, len(before)})
			}
		}
	}
	slices.SortFunc(b.Anomalies, func(x, y Anomaly) int { return cmp.Or(cmp.Compare(x.Day, y.Day), cmp.Compare(x.Function, y.Function)) })
}

// standsOut judges a day's cost by those before. The median deviation is taken as
// that of a normal distribution: 1.4826 times it is the standard deviation.
func (r Rule) standsOut(cost Money, before []Money) (usual Money, out bool) {
	if len(before) < fewestWeeks {
		return usual, false
	}
	usual = median(before)
	var off []Money
	for _, b := range before {
		off = append(off, b.Minus(usual).Abs())
	}
	margin := median(off).Times(14826*r.Times, 10000)
	if quarter := usual.Times(1, 4); quarter.Cmp(margin) > 0 {
		margin = quarter
	}
	diff := cost.Minus(usual).Abs()
	return usual, diff.Cmp(margin) > 0 && diff.Cmp(r.Least) >= 0 && diff.Sign() > 0
}

// median is the middle, or halfway between the two in the middle.
func median(all []Money) Money {
	all = slices.SortedFunc(slices.Values(all), Money.Cmp)
	n := len(all)
	return all[(n-1)/2].Plus(all[n/2]).Times(1, 2)
}
