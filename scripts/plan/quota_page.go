package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// worst is the most that each region needs of something in any hour, while all are well
// or any one is lost.
func (m *Model) worst(n Need, lost map[int]Need, of func(region, hour int, n Need) float64) []float64 {
	most := make([]float64, len(m.load.Regions))
	for r := range most {
		for hour := range 24 {
			most[r] = max(most[r], of(r, hour, n))
			for gone, after := range lost {
				if gone != r {
					most[r] = max(most[r], of(r, hour, after))
				}
			}
		}
	}
	return most
}

// needOf is what a quota bounds, for a region and an hour.
func (m *Model) needOf(need string, n Need) func(region, hour int, after Need) float64 {
	amount := func(name string) func(int, int, Need) float64 {
		return func(r, hour int, after Need) float64 { return after[r][hour][name] }
	}
	switch need {
	case "lambda_concurrency":
		return amount("concurrency")
	case "lambda_rise": // of those who come while an address lasts
		return func(r, hour int, after Need) float64 {
			return max(0, after[r][hour]["lambda.send-message"]-n[r][hour]["lambda.send-message"]) * 10 / m.assume("ttl_seconds")
		}
	case "api_requests":
		return amount("requests")
	case "chats_writes", "chats_reads", "files_writes":
		return amount(strings.Replace(need, "_", ".", 1))
	case "partition_reads":
		return amount("partition.reads")
	case "in_flight":
		return amount("flight.free")
	case "kms", "mails":
		return amount(need)
	case "valkey_ecpus":
		return amount("valkey.ecpus")
	case "valkey_gb":
		return amount("valkey.gb")
	case "alb_targets":
		return amount("relays")
	case "ecs_tasks":
		return amount("workers")
	case "fargate_vcpus":
		return func(r, hour int, after Need) float64 {
			a := after[r][hour]
			return a["relays"]*m.assume("relay_vcpus") + a["workers"]*m.assume("worker_vcpus")
		}
	case "cloudfront_requests":
		return amount("edge")
	case "cloudfront_gbps":
		return func(r, hour int, after Need) float64 { return after[r][hour]["egress"] * 8e-9 }
	}
	for _, e := range m.engines {
		if need == "gpu_vcpus, "+e.Name {
			return func(r, hour int, after Need) float64 { return after[r][hour]["gpus."+e.Name] * float64(e.VCPUs) }
		}
	}
	m.fail(fmt.Errorf("nothing of the plan is bounded by a quota of %q", need))
	return func(int, int, Need) float64 { return 0 }
}

func (m *Model) pageQuotas(w *strings.Builder, n Need, lost map[int]Need, all []Quota) {
	fmt.Fprint(w, pageQuotasText)
	fmt.Fprint(w, "| service | quota | default |")
	for _, r := range m.load.Regions {
		fmt.Fprintf(w, " %s |", r.Name)
	}
	fmt.Fprintln(w, " to be raised | source |\n|---|---|---:|"+strings.Repeat("---:|", len(m.load.Regions))+"---|---|")
	for _, q := range all {
		of := m.needOf(q.Need, n)
		needs := m.worst(n, lost, of)
		if q.Of == "all regions" {
			sum := 0.0
			for hour := range 24 {
				total := 0.0
				for r := range n {
					total += of(r, hour, n)
				}
				sum = max(sum, total)
			}
			needs = []float64{sum}
		}
		m.quotaRow(w, q, needs)
	}
	fmt.Fprint(w, pageQuotasAfter)
}

func (m *Model) quotaRow(w *strings.Builder, q Quota, needs []float64) {
	fmt.Fprintf(w, "| %s | %s | %s |", q.Service, q.Quota, q.bounds())
	passed := false
	for i := range m.load.Regions {
		switch {
		case len(needs) == 1 && i == 0:
			over := needs[0] > q.Default
			passed = passed || over
			fmt.Fprintf(w, " %s together |", bold(up(needs[0]), over))
		case len(needs) == 1:
			fmt.Fprint(w, " |")
		default:
			over := math.Ceil(needs[i]-1e-9) > q.in(m.name(i))
			passed = passed || over
			fmt.Fprintf(w, " %s |", bold(up(needs[i]), over))
		}
	}
	raise := "no"
	switch {
	case passed && q.Of == "queue":
		raise = "more queues"
	case passed && q.Adjustable:
		raise = "yes"
	case passed && q.Of == "cache":
		raise = "more caches"
	case passed:
		raise = "can't be"
	}
	source := q.Source
	if q.Remembered {
		source = "as remembered"
	}
	if q.Note != "" {
		source += "; " + q.Note
	}
	fmt.Fprintf(w, " %s | %s |\n", raise, source)
}

// bounds are the default and those of regions that have another.
func (q Quota) bounds() string {
	s := whole(q.Default)
	for _, name := range slices.Sorted(maps.Keys(q.Defaults)) {
		s += fmt.Sprintf("; %s %s", name, whole(q.Defaults[name]))
	}
	return s
}

func bold(s string, is bool) string {
	if is {
		return "**" + s + "**"
	}
	return s
}
