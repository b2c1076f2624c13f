package main

import (
	"fmt"
	"slices"
	"strings"

	"parley/scripts/internal/fleet"
)

// sweep is the parts of the lost region's engines that its standby has running.
var sweep = []float64{0, 0.25, 0.5, 0.6, 0.7, 0.8, 1}

// What is played of a loss, in seconds.
const (
	windowBefore = 10 * 60
	windowAfter  = 40 * 60
)

// drawnParts are those of them that are drawn.
var drawnParts = []float64{0, 0.5, 0.8}

func (m *Model) pageLost(w *strings.Builder, n Need, lost map[int]Need, seed uint64) string {
	s := newSimulation(m, m.engines[0])
	biggest, at := m.biggest(n)
	fmt.Fprintf(w, pageLostText, whole(1/s.part), m.engines[0].Model, s.per, s.engine.Slots, s.slots[premium], m.name(biggest), clock(at), m.assume("detect_seconds"), m.assume("ttl_seconds"),
		100*s.busy, s.boot, m.assume("order_seconds"))
	touched := s.crowd(at-windowBefore, at+windowAfter, seed, s.touched(biggest))
	var curves []curve
	enough, unhurt := -1.0, false // the last: by the most that is kept warm
	fmt.Fprintln(w, "| kept warm | sized by | free: sent | not served, % | refused | late | wait p50 / p99, s | premium: sent | not served, % | refused | late | wait p50 / p99, s |\n|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	for _, warm := range sweep {
		for _, order := range []bool{false, true} {
			r := s.play(loss{biggest, at, warm, order}, touched)
			fmt.Fprintf(w, "| %.0f %% | %s | %s | %s |\n", 100*warm, map[bool]string{false: "demand alone", true: "an order at once"}[order], r.cells(fleet.Free), r.cells(fleet.Premium))
			unhurt = r.Total.Refused[free]+r.Total.Late[free]+r.Total.Refused[premium]+r.Total.Late[premium] == 0
			if !order && enough < 0 && r.Total.Refused[premium]+r.Total.Late[premium] == 0 {
				enough = warm
			}
			if slices.Contains(drawnParts, warm) {
				curves = append(curves, curve{fmt.Sprintf("%.0f %% warm%s", 100*warm, map[bool]string{true: ", ordered"}[order]), r.Minutes, order})
			}
		}
	}
	words := enoughWords(enough, unhurt)
	if enough < 0 {
		enough = 1
	}
	always, following := m.standbys(lost, enough)
	fmt.Fprintf(w, pageLostAfter, words, 100*enough, whole(always), tenth(always*m.gpuHour()*24*30/1e6), tenth(following*m.gpuHour()*24*30/1e6), 100*enough)
	fmt.Fprintln(w, "| lost | at, UTC | its users go to | premium: sent | not served, % | refused or late | wait p99, s | free: sent | not served, % | refused or late | wait p99, s |\n|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|")
	for _, gone := range m.active() {
		_, hour := n.most(gone, "turns")
		when := float64(hour)*3600 + 1800
		r := s.play(loss{gone, when, enough, false}, s.crowd(when-windowBefore, when+windowAfter, seed, s.touched(gone)))
		fmt.Fprintf(w, "| %s | %s | %s |", m.name(gone), clock(when), m.successors(gone))
		for _, p := range []int{fleet.Premium, fleet.Free} {
			fmt.Fprintf(w, " %s | %s | %s | %.1f |", whole(float64(r.Prompts[p])), percent(r.away(p), r.Prompts[p]), whole(float64(r.Total.Refused[p]+r.Total.Late[p])), r.Waits[p].P99)
		}
		fmt.Fprintln(w)
	}
	m.pageLostAlone(w, n, s, m.name(biggest), at, seed)
	m.pageLostDay(w, s, loss{biggest, at, enough, false}, seed)
	return plotLost(curves, at)
}

// pageLostAlone is what happens without standbys, by how much of each fleet is busy.
func (m *Model) pageLostAlone(w *strings.Builder, n Need, s *simulation, lost string, at float64, seed uint64) {
	fmt.Fprintf(w, pageLostAloneText, lost, 100*s.busy)
	fmt.Fprintln(w, "| busy | GPUs, of those above | premium: sent | not served, % | refused | late | wait p50 / p99, s | free: sent | not served, % | refused | late | wait p50 / p99, s |\n|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	alone := s.alone(s.busy)
	gone := alone.load.region(lost)
	touched := alone.crowd(at-windowBefore, at+windowAfter, seed, alone.touched(gone))
	enough := -1.0
	for _, busy := range []float64{0.8, 0.6, 0.4, 0.3} {
		r := s.alone(busy).play(loss{gone, at, 0, false}, touched)
		fmt.Fprintf(w, "| %.0f %% | %.0f %% | %s | %s |\n", 100*busy, 100*s.busy/busy, r.cells(fleet.Premium), r.cells(fleet.Free))
		if enough < 0 && r.Total.Refused[premium]+r.Total.Late[premium] == 0 {
			enough = busy
		}
	}
	if enough < 0 {
		fmt.Fprint(w, "\nPremium does not stay within its deadline with any of these.\n")
		return
	}
	mean := n.mean("gpus."+m.engines[0].Name) * (s.busy/enough - 1)
	fmt.Fprintf(w, "\nPremium stays within its deadline if fleets are sized for %.0f %%: %s GPUs more on average (the first model), %s million USD a month.\n", 100*enough, whole(mean), tenth(mean*m.gpuHour()*24*30/1e6))
}

// standbys is how many GPUs keep a part warm in all standbys, if it is a part of the
// most that they may need, and on average if it is a part of what each hour may need.
func (m *Model) standbys(lost map[int]Need, part float64) (always, following float64) {
	name := "gpus." + m.engines[0].Name
	for r, region := range m.load.Regions {
		var h hours
		for hour := range h {
			for _, after := range lost {
				h[hour] = max(h[hour], after[r][hour][name])
			}
		}
		if region.Standby {
			_, most := h.busiest()
			always, following = always+part*most, following+part*h.mean()
		}
	}
	return always, following
}

// gpuHour is what an hour of the first engine's GPU costs.
func (m *Model) gpuHour() float64 { return m.hourly(m.engines[0].Price) }

// pageLostDay is the whole day in the places that notice the loss.
func (m *Model) pageLostDay(w *strings.Builder, s *simulation, l loss, seed uint64) {
	day := s.play(l, s.crowd(0, fleet.Day, seed, s.touched(l.region)))
	fmt.Fprintf(w, pageLostDayText, m.name(l.region), m.successors(l.region), 100*l.warm, whole(1/s.part), m.name(l.region))
	fmt.Fprintln(w, "| hour, UTC | free: sent | not served | premium: sent | not served | engines, most |\n|---:|---:|---:|---:|---:|---:|")
	for hour := range 24 {
		var sum minute
		for _, one := range day.Minutes[60*hour : 60*hour+60] {
			for p := range fleet.Plans {
				sum.sent[p], sum.away[p] = sum.sent[p]+one.sent[p], sum.away[p]+one.away[p]
			}
			sum.engines = max(sum.engines, one.engines)
		}
		fmt.Fprintf(w, "| %d | %s | %s | %s | %s | %d |\n", hour, whole(float64(sum.sent[free])), whole(float64(sum.away[free])), whole(float64(sum.sent[premium])), whole(float64(sum.away[premium])), sum.engines)
	}
	fmt.Fprintf(w, "\nOf the day's %s free prompts %s %% were not served, of %s premium ones %s %%.\n\n", whole(float64(day.Prompts[free])), percent(day.away(fleet.Free), day.Prompts[free]),
		whole(float64(day.Prompts[premium])), percent(day.away(fleet.Premium), day.Prompts[premium]))
}

func (r lossResult) cells(p int) string {
	return fmt.Sprintf("%s | %s | %s | %s | %s", whole(float64(r.Prompts[p])), percent(r.away(p), r.Prompts[p]), whole(float64(r.Total.Refused[p])), whole(float64(r.Total.Late[p])), r.Waits[p])
}

// biggest is the region with the most turns in an hour, and the middle of that hour.
func (m *Model) biggest(n Need) (region int, at float64) {
	most := 0.0
	for _, r := range m.active() {
		if turns, hour := n.most(r, "turns"); turns > most {
			region, most, at = r, turns, float64(hour)*3600+1800
		}
	}
	return region, at
}

// successors are the regions that take over from one.
func (m *Model) successors(gone int) string {
	var all []string
	for _, p := range m.load.Places {
		if m.load.home(p) != gone {
			continue
		}
		if next := m.load.next(p, gone); next < 0 {
			all = append(all, "nowhere")
		} else {
			all = append(all, m.name(next))
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}
