package main

import (
	"fmt"
	"slices"
	"strings"
)

func (m *Model) pageEngines(w *strings.Builder, n Need) {
	fmt.Fprintf(w, pageEnginesText, 100*m.assume("busy_part"))
	m.pageSources(w)
	m.pageShapes(w)
	m.pageGPUs(w, n)
	long, short := m.gpuSeconds(n, m.engines[0])
	text := m.load.Plans.Premium
	fmt.Fprintf(w, pageEnginesAfter, 100*premiumTurns(n)/n.mean("turns"), whole(float64(text.PromptTokens+text.AnswerTokens)), 100*long/(long+short), m.engines[0].Name)
}

// pageSources says where what is published is from, and how it was measured.
func (m *Model) pageSources(w *strings.Builder) {
	var urls []string
	for _, one := range m.engines {
		if slices.Contains(urls, one.URL) {
			continue
		}
		urls = append(urls, one.URL)
		var names []string
		for _, same := range m.engines {
			if same.URL == one.URL {
				names = append(names, same.Name)
			}
		}
		fmt.Fprintf(w, "- %s: [%s](%s), %s: %s\n", strings.Join(names, ", "), one.Source, one.URL, one.Date, one.Conditions)
	}
	fmt.Fprintln(w)
}

// pageShapes shows what of it each plan's prompts are taken for.
func (m *Model) pageShapes(w *strings.Builder) {
	fmt.Fprintln(w, "| model | engine | free prompt: nearest published | tokens/s | GPU-seconds each | premium prompt: nearest published | tokens/s | GPU-seconds each |\n|---|---|---|---:|---:|---|---:|---:|")
	for _, one := range m.engines {
		fmt.Fprintf(w, "| %s | %d × %s |", one.Model, one.GPUs, one.GPU)
		for _, p := range bothPlans {
			text := m.load.Plans.of(p)
			s := one.nearest(text)
			fmt.Fprintf(w, " %s in, %s out | %s | %.2f |", whole(float64(s.In)), whole(float64(s.Out)), whole(s.TokensPerSecond), one.seconds(text))
		}
		fmt.Fprintln(w)
	}
}

// pageGPUs shows how many that makes, and what they cost.
func (m *Model) pageGPUs(w *strings.Builder, n Need) {
	fmt.Fprint(w, "\n| GPUs, if all prompts go to it |")
	for _, r := range m.active() {
		fmt.Fprintf(w, " %s |", m.name(r))
	}
	fmt.Fprintln(w, " all, at their peaks | mean of a day | of which premium | million USD a month | USD per million turns |\n|---|"+strings.Repeat("---:|", len(m.active())+5))
	for _, one := range m.engines {
		fmt.Fprintf(w, "| %s |", one.Name)
		sum := 0.0
		for _, r := range m.active() {
			most, _ := n.most(r, "gpus."+one.Name)
			sum += most
			fmt.Fprintf(w, " %s |", whole(most))
		}
		long, short := m.gpuSeconds(n, one)
		usd := n.mean("gpu usd." + one.Name)
		fmt.Fprintf(w, " %s | %s | %.0f %% | %s | %s |\n", whole(sum), whole(n.mean("gpus."+one.Name)), 100*long/(long+short), tenth(usd*monthSeconds/1e6), whole(1e6*usd/n.mean("turns")))
	}
	fmt.Fprintln(w)
	var seen []string
	for _, one := range m.engines {
		if !slices.Contains(seen, one.Price) {
			seen = append(seen, one.Price)
			fmt.Fprintf(w, "One %s is taken for %.2f USD an hour (%s). ", one.GPU, m.hourly(one.Price), m.table.Prices[one.Price].Of)
		}
	}
}

// gpuSeconds is what premium and free prompts take of all GPUs, a second.
func (m *Model) gpuSeconds(n Need, e Engine) (long, short float64) {
	short = n.mean("rate.send.free") + n.mean("rate.send_with_file.free")
	return premiumTurns(n) * e.seconds(m.load.Plans.Premium), short * e.seconds(m.load.Plans.Free)
}
