package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// plot draws lines over a number of messages, both axes logarithmic, as SVG.
type plot struct {
	title    string
	unit     string
	from, to int // powers of ten of the values
	lines    []line
}

type line struct {
	name, colour string
	aim          bool // dashed
	at           map[int]float64
}

// Sizes of a plot, in pixels.
const (
	plotWidth  = 420
	plotHeight = 300
	margin     = 60
)

// growth draws how what a query takes and what an index takes grow with the history.
func growth(all []grown) string {
	median, worst, aim, index, text := map[int]float64{}, map[int]float64{}, map[int]float64{}, map[int]float64{}, map[int]float64{}
	for _, g := range all {
		took := g.warm.all()
		median[g.messages] = milliseconds(percentile(took, 50))
		worst[g.messages] = milliseconds(percentile(took, 99))
		index[g.messages], text[g.messages] = float64(g.index)/1e6, aimIndex*float64(g.text)/1e6
	}
	for messages, d := range aimWarm {
		aim[messages] = milliseconds(d)
	}
	plots := []plot{
		{"A warm query, on a whole processor", "ms", -2, 3, []line{{"p50", "#2a78b5", false, median}, {"p99", "#c0392b", false, worst}, {"aim of p99", "#888888", true, aim}}},
		{"The index", "MB", -1, 3, []line{{"size", "#2a78b5", false, index}, {"aim: 45 % of the text", "#888888", true, text}}},
	}
	w := &strings.Builder{}
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", plotWidth*len(plots), plotHeight)
	fmt.Fprintf(w, `<rect width="100%%" height="100%%" fill="#ffffff"/>`+"\n")
	for i, p := range plots {
		fmt.Fprintf(w, `<g transform="translate(%d 0)">`+"\n", i*plotWidth)
		p.draw(w)
		fmt.Fprintln(w, "</g>")
	}
	fmt.Fprintln(w, "</svg>")
	return w.String()
}

// x and y are where a number of messages and a value stand.
func (p plot) x(messages int) float64 {
	return margin + (math.Log10(float64(messages))-3)/3*(plotWidth-2*margin)
}

func (p plot) y(value float64) float64 {
	part := (math.Log10(value) - float64(p.from)) / float64(p.to-p.from)
	return plotHeight - margin - max(0, part)*(plotHeight-2*margin)
}

func (p plot) draw(w *strings.Builder) {
	fmt.Fprintf(w, `<text x="%d" y="24" font-weight="bold">%s, %s</text>`+"\n", margin, p.title, p.unit)
	for power := p.from; power <= p.to; power++ {
		y := p.y(math.Pow10(power))
		fmt.Fprintf(w, `<path d="M%d %.1fH%d" stroke="#dddddd"/><text x="%d" y="%.1f" text-anchor="end">%g</text>`+"\n", margin, y, plotWidth-margin, margin-6, y+4, math.Pow10(power))
	}
	for _, messages := range []int{1_000, 10_000, 100_000, 1_000_000} {
		fmt.Fprintf(w, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", p.x(messages), plotHeight-margin+18, thousands(messages))
	}
	fmt.Fprintf(w, `<text x="%d" y="%d" text-anchor="middle">messages</text>`+"\n", plotWidth/2, plotHeight-margin+36)
	for i, l := range p.lines {
		var points []string
		for _, messages := range slices.Sorted(maps.Keys(l.at)) {
			points = append(points, fmt.Sprintf("%.1f,%.1f", p.x(messages), p.y(l.at[messages])))
		}
		dash := ""
		if l.aim {
			dash = ` stroke-dasharray="5 4"`
		}
		fmt.Fprintf(w, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"%s/>`+"\n", strings.Join(points, " "), l.colour, dash)
		fmt.Fprintf(w, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", margin+10, 50+16*i, l.colour, l.name)
	}
}
