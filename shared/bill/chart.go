package bill

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
)

// chart is the month's days as stacked bars. All lengths are whole tenths of a pixel:
// they are drawn, not added.
type chart struct {
	Width, Height int
	Bars          []bar
	Days          []label
	Lines         []label
	Legend        []string
	Describe      string
}

type bar struct {
	X, Y, Width, Height int
	Class               int
	Title               string
}

type label struct {
	X, Y int
	Text string
}

// Kinds of bars: the functions that cost the most, then all others.
const kinds = 6

const (
	chartWidth  = 900
	chartHeight = 240
	chartLeft   = 84
	chartBottom = 26
	chartTop    = 14
)

func newChart(b *Bill, short map[string]string) *chart {
	top, highest := Money{}, ""
	for _, d := range b.Days {
		if d.Sum.Cmp(top) > 0 {
			top, highest = d.Sum, d.Day
		}
	}
	if top.Sign() == 0 {
		return nil
	}
	var names []string
	for _, r := range b.Functions {
		if r.Gross.Sign() > 0 && !slices.Contains(names, r.Function) && len(names) < kinds-1 {
			names = append(names, r.Function)
		}
	}
	c := &chart{Width: chartWidth, Height: chartHeight}
	for _, name := range names {
		c.Legend = append(c.Legend, short[name])
	}
	if len(b.Functions) > len(names) {
		c.Legend = append(c.Legend, "all others")
	}
	scale, step := axis(top)
	start, _ := beginning(b.Month)
	days := start.AddDate(0, 1, -1).Day()
	slot := (chartWidth - chartLeft) / days
	for i, d := range b.Days {
		x, y := chartLeft+i*slot, chartHeight-chartBottom
		others := d.Sum
		for k := range kinds {
			part, name := others, "all others"
			if k < len(names) {
				part, name = d.Gross[names[k]], short[names[k]]
				others = others.Minus(part)
			} else if k < kinds-1 {
				continue
			}
			h := length(part, scale)
			if h == 0 {
				continue
			}
			y -= h
			c.Bars = append(c.Bars, bar{x + 2, y, slot - 4, h, k, fmt.Sprintf("%s, %s: %s", d.Day, name, part.Fixed(places(top)))})
		}
	}
	for day := 1; day <= days; day++ {
		if day == 1 || day%5 == 0 {
			c.Days = append(c.Days, label{chartLeft + (day-1)*slot + slot/2, chartHeight - 8, strconv.Itoa(day)})
		}
	}
	for at := (Money{}); at.Cmp(scale) <= 0; at = at.Plus(step) {
		c.Lines = append(c.Lines, label{chartLeft - 8, chartHeight - chartBottom - length(at, scale), at.String()})
	}
	c.Describe = fmt.Sprintf("Gross cost of functions by day, in %s. The highest is %s with %s.", b.Currency, highest, top.Fixed(places(top)))
	return c
}

func length(m, scale Money) int {
	q := new(big.Rat).Quo(m.Times(chartHeight-chartBottom-chartTop, 1).r(), scale.r())
	return int(round(q).Int64())
}

// axis returns a round number from top on, and the step to it: 1, 2 or 5 times a
// power of ten.
func axis(top Money) (scale, step Money) {
	step = MustMoney("1e-12")
	for factor := []int64{2, 5, 10}; ; {
		for _, f := range factor {
			try := step.Times(f, 1)
			if try.Times(5, 1).Cmp(top) >= 0 {
				for scale = try; scale.Cmp(top) < 0; {
					scale = scale.Plus(try)
				}
				return scale, try
			}
		}
		step = step.Times(10, 1)
	}
}
