package main

import (
	"fmt"
	"math"
	"strings"
)

// parameters are those of template.yaml that follow from a region's load.
var parameters = []string{"FreeQueues", "PremiumQueues", "BackgroundAtOnce"}

// Bounds of BackgroundAtOnce: the template's default, and the most that it allows.
const (
	leastBackground = 100
	mostBackground  = 1000
)

// parameter is what each region needs of one, in any hour and whichever region is lost.
func (m *Model) parameter(name string, n Need, lost map[int]Need) []int {
	amount := func(of string) []float64 {
		return m.worst(n, lost, func(r, hour int, n Need) float64 { return n[r][hour][of] })
	}
	values := make([]int, len(m.load.Regions))
	switch name {
	case "FreeQueues", "PremiumQueues":
		for r, inFlight := range amount("flight." + strings.ToLower(strings.TrimSuffix(name, "Queues"))) {
			values[r] = m.queues(inFlight)
		}
	case "BackgroundAtOnce": // of each of the two
		index := amount("lambda.index-history")
		for r, process := range amount("lambda.process-upload") {
			tens := math.Ceil(max(process, index[r]) * m.assume("background_room") / 10)
			values[r] = min(max(10*int(tens), leastBackground), mostBackground)
		}
	}
	return values
}

// inFlight is how many messages SQS lets be in flight in a queue.
const inFlight = 120_000

// queues is how many queues of a plan a region needs.
func (m *Model) queues(flying float64) int {
	return max(1, int(math.Ceil(flying/inFlight/m.assume("queue_part"))))
}

func (m *Model) pageParameters(w *strings.Builder, n Need, lost map[int]Need) {
	fmt.Fprintf(w, pageParametersText, 100*m.assume("queue_part"), 100*(m.assume("background_room")-1))
	fmt.Fprint(w, "| parameter |")
	for _, r := range m.load.Regions {
		fmt.Fprintf(w, " %s |", r.Name)
	}
	fmt.Fprintln(w, "\n|---|"+strings.Repeat("---:|", len(m.load.Regions)))
	for _, name := range parameters {
		fmt.Fprintf(w, "| `%s` |", name)
		for _, v := range m.parameter(name, n, lost) {
			fmt.Fprintf(w, " %d |", v)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
}
