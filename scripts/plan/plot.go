package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"parley/scripts/internal/fleet"
)

// picture is one drawing: lines over an axis, both linear, from zero up.
type picture struct {
	title      string
	under      string  // what the axis is
	from, step float64 // of the first value and from one to the next
	tick       float64 // of the axis
	lines      []stroke
}

type stroke struct {
	name   string
	dashed bool
	values []float64
}

// Sizes of a picture, in pixels.
const (
	pictureWidth  = 460
	pictureHeight = 330
	left          = 64
	right         = 16
	top           = 40
	bottom        = 96 // with the names of the lines
)

var colours = []string{"#2a78b5", "#c0392b", "#2e8b57", "#b8860b", "#7d3c98", "#555555"}

// draw is pictures side by side, as SVG.
func draw(all ...picture) string {
	w := &strings.Builder{}
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", pictureWidth*len(all), pictureHeight)
	fmt.Fprintln(w, `<rect width="100%" height="100%" fill="#ffffff"/>`)
	for i, p := range all {
		fmt.Fprintf(w, `<g transform="translate(%d 0)">`+"\n", i*pictureWidth)
		p.draw(w)
		fmt.Fprintln(w, "</g>")
	}
	fmt.Fprintln(w, "</svg>")
	return w.String()
}

// highest is the top of the scale: 1, 2 or 5 times a power of ten, four or more times a
// tick.
func (p picture) highest() (most, tick float64) {
	for _, l := range p.lines {
		most = max(most, slices.Max(l.values))
	}
	if most <= 0 {
		return 1, 0.25
	}
	tick = math.Pow10(int(math.Floor(math.Log10(most / 4))))
	for _, times := range []float64{1, 2, 5, 10} {
		if most/(tick*times) <= 6 {
			tick *= times
			break
		}
	}
	return tick * math.Ceil(most/tick), tick
}

func (p picture) x(n int) float64 {
	return left + float64(n)/float64(len(p.lines[0].values)-1)*(pictureWidth-left-right)
}

func y(value, most float64) float64 {
	return pictureHeight - bottom - value/most*(pictureHeight-top-bottom)
}

func (p picture) draw(w *strings.Builder) {
	fmt.Fprintf(w, `<text x="%d" y="24" font-weight="bold">%s</text>`+"\n", left, p.title)
	most, tick := p.highest()
	for v := 0.0; v <= most*1.0001; v += tick {
		fmt.Fprintf(w, `<path d="M%d %.1fH%d" stroke="#dddddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", left, y(v, most), pictureWidth-right, left-6, y(v, most)+4, whole(v))
	}
	for n := range p.lines[0].values {
		if v := p.from + float64(n)*p.step; math.Mod(v, p.tick) == 0 {
			fmt.Fprintf(w, `<text x="%.1f" y="%d" text-anchor="middle">%g</text>`+"\n", p.x(n), pictureHeight-bottom+18, v)
		}
	}
	fmt.Fprintf(w, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (left+pictureWidth-right)/2, pictureHeight-bottom+36, p.under)
	for i, l := range p.lines {
		points := make([]string, len(l.values))
		for n, v := range l.values {
			points[n] = fmt.Sprintf("%.1f,%.1f", p.x(n), y(v, most))
		}
		dash := ""
		if l.dashed {
			dash = ` stroke-dasharray="5 4"`
		}
		colour := colours[i%len(colours)]
		fmt.Fprintf(w, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"%s/>`+"\n", strings.Join(points, " "), colour, dash)
		fmt.Fprintf(w, `<text x="%d" y="%d" fill="%s">%s%s</text>`+"\n", left+(i%3)*130, pictureHeight-bottom+58+(i/3)*18, colour, map[bool]string{true: "┄ ", false: "─ "}[l.dashed], l.name)
	}
}

// plotDay draws what comes to each region in each hour, and the GPUs for it.
func (m *Model) plotDay(n Need) string {
	engine := m.engines[0]
	turns := picture{title: "Turns a second", under: "hour, UTC", step: 1, tick: 3}
	gpus := picture{title: "GPUs (" + engine.GPU + "), if all is " + engine.Name, under: "hour, UTC", step: 1, tick: 3}
	for _, r := range m.active() {
		a, b := make([]float64, 24), make([]float64, 24)
		for hour := range 24 {
			a[hour], b[hour] = n[r][hour]["turns"], n[r][hour]["gpus."+engine.Name]
		}
		turns.lines, gpus.lines = append(turns.lines, stroke{m.name(r), false, a}), append(gpus.lines, stroke{m.name(r), false, b})
	}
	all := make([]float64, 24)
	for hour := range all {
		all[hour] = n.total(hour, "turns")
	}
	turns.lines = append(turns.lines, stroke{"all", true, all})
	return draw(turns, gpus)
}

// curve is what happened minute by minute, and its name.
type curve struct {
	name    string
	minutes []minute
	dashed  bool
}

// plotLost draws how much of each plan was not served around a loss.
func plotLost(curves []curve, at float64) string {
	var all []picture
	for _, p := range []struct {
		plan  int
		title string
	}{{fleet.Free, "Free prompts not served, %"}, {fleet.Premium, "Premium prompts not served, %"}} {
		from := (curves[0].minutes[0].at - at) / 60
		one := picture{title: p.title, under: "minutes since the loss", from: from, step: 1, tick: 10}
		for _, c := range curves {
			values := make([]float64, len(c.minutes))
			for i, m := range c.minutes {
				values[i] = 100 * float64(m.away[p.plan]) / float64(max(m.sent[p.plan], m.away[p.plan], 1))
			}
			one.lines = append(one.lines, stroke{c.name, c.dashed, values})
		}
		all = append(all, one)
	}
	return draw(all...)
}
