package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"parley/scripts/internal/ledger"
)

// plots are the pictures of a page, by name.
type plots map[string]string

// page writes all that is planned, and draws it.
func (m *Model) page(q []Quota, seed uint64) (string, plots, error) {
	n := m.need(m.load.home)
	w := &strings.Builder{}
	fmt.Fprint(w, pageHead)
	m.pageLoad(w, n)
	m.pagePeak(w, n)
	m.pageEngines(w, n)
	m.pageGrowth(w, n)
	m.pageMonth(w, n)
	lost := map[int]Need{}
	for _, gone := range m.active() {
		lost[gone] = m.need(func(p Place) int { return m.load.next(p, gone) })
	}
	m.pageQuotas(w, n, lost, q)
	m.pageParameters(w, n, lost)
	picture := m.pageLost(w, n, lost, seed)
	m.pageHours(w, n)
	m.pageAssumed(w)
	return w.String(), plots{"capacity.svg": m.plotDay(n), "capacity-lost.svg": picture}, m.err
}

// active is the regions that serve while all are well.
func (m *Model) active() []int {
	var all []int
	for i, r := range m.load.Regions {
		if !r.Standby {
			all = append(all, i)
		}
	}
	return all
}

func (m *Model) name(region int) string { return m.load.Regions[region].Name }

func (m *Model) pageLoad(w *strings.Builder, n Need) {
	fmt.Fprint(w, pageLoadText)
	fmt.Fprintln(w, "| a second, all regions | free, average | peak | premium, average | peak |\n|---|---:|---:|---:|---:|")
	for _, o := range m.load.operations() {
		f, p := o.rates.Free, o.rates.Premium
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", o.title, whole(f.Average), whole(f.Peak), whole(p.Average), whole(p.Peak))
	}
	fmt.Fprintf(w, pageCurveText, 100*m.load.Curve.Amplitude, m.load.Curve.BusiestHour, m.steep(), m.load.Curve.SurgeHours)
	fmt.Fprintln(w, "| region | users of | of all users | turns a second, average | busiest hour, UTC | turns a second in it |\n|---|---|---:|---:|---:|---:|")
	for _, r := range m.active() {
		var places []string
		share := 0.0
		for _, p := range m.load.Places {
			if m.load.home(p) == r {
				places, share = append(places, p.Name), share+p.Share
			}
		}
		peak, at := n.most(r, "turns")
		fmt.Fprintf(w, "| %s (%s) | %s | %.1f %% | %s | %d | %s |\n", m.name(r), m.load.Regions[r].Code, strings.Join(places, ", "), 100*share, whole(n.meanOf(r, "turns")), at, whole(peak))
	}
	hour, peak := n.busiest("turns")
	fmt.Fprintf(w, "| all | | 100 %% | %s | %d | %s |\n", whole(n.mean("turns")), hour, whole(peak))
	fmt.Fprint(w, pageCurveAfter)
}

// steep is how high all places together come without a surge, of their mean.
func (m *Model) steep() float64 {
	_, sum := m.load.plain()
	_, height := sum.busiest()
	return height
}

// line is a row of a table that has a column for each region.
type line struct {
	title string
	value func(a amounts) float64
	write func(float64) string
}

func of(name string) func(amounts) float64 { return func(a amounts) float64 { return a[name] } }

func per(name string, times float64) func(amounts) float64 {
	return func(a amounts) float64 { return a[name] * times }
}

// lines is what the tables show of each region.
func (m *Model) lines() []line {
	all := []line{
		{"turns a second", of("turns"), whole},
		{"API requests a second", of("requests"), whole},
		{"Lambda: all at once", of("concurrency"), up},
	}
	for _, f := range []string{"send-message", "process-upload", "upload", "index-history", "login", "signup", "history", "search"} {
		all = append(all, line{"– " + f, of("lambda." + f), up})
	}
	all = append(all,
		line{"DynamoDB, chats: write units a second", of("chats.writes"), whole},
		line{"– read units", of("chats.reads"), whole},
		line{"DynamoDB, files: write units a second", of("files.writes"), whole},
		line{"– read units", of("files.reads"), whole},
		line{"DynamoDB, accounts: write units a second", of("accounts.writes"), whole},
		line{"– read units", of("accounts.reads"), whole},
		line{"hottest partition: read units a second (of 3,000)", of("partition.reads"), up},
		line{"SQS: calls a second", of("sqs"), whole},
		line{"– free prompts in flight", of("flight.free"), whole},
		line{"– queues for them", func(a amounts) float64 { return float64(m.queues(a["flight.free"])) }, whole},
		line{"– premium prompts in flight", of("flight.premium"), whole},
		line{"– queues for them", func(a amounts) float64 { return float64(m.queues(a["flight.premium"])) }, whole},
		line{"streams open", of("streams"), whole},
		line{"relays", of("relays"), whole},
		line{"workers", of("workers"), whole},
		line{"Valkey: GB", of("valkey.gb"), whole},
		line{"– million ECPUs a second", per("valkey.ecpus", 1e-6), tenth},
		line{"egress, Gbit/s", per("egress", 8e-9), tenth},
		line{"logs, MB/s", per("logs", 1e-6), tenth},
	)
	for _, e := range m.engines {
		all = append(all, line{"GPUs, if all is " + e.Name, of("gpus." + e.Name), whole})
	}
	return all
}

func (m *Model) pagePeak(w *strings.Builder, n Need) {
	fmt.Fprint(w, pagePeakText)
	regions := m.active()
	fmt.Fprint(w, "| in its busiest hour |")
	for _, r := range regions {
		fmt.Fprintf(w, " %s |", m.name(r))
	}
	fmt.Fprintln(w, "\n|---|"+strings.Repeat("---:|", len(regions)))
	for _, l := range m.lines() {
		fmt.Fprintf(w, "| %s |", l.title)
		for _, r := range regions {
			most := 0.0
			for _, a := range n[r] {
				most = max(most, l.value(a))
			}
			fmt.Fprintf(w, " %s |", l.write(most))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, pagePeakAfter, m.turn(premium).WriteUnits.String())
}

func (m *Model) pageGrowth(w *strings.Builder, n Need) {
	fmt.Fprint(w, pageGrowthText)
	fmt.Fprint(w, "| in a month |")
	for _, r := range m.active() {
		fmt.Fprintf(w, " %s |", m.name(r))
	}
	fmt.Fprintln(w, " all |\n|---|"+strings.Repeat("---:|", len(m.active())+1))
	for _, l := range []struct {
		title, name string
	}{
		{"rows of tables grow by", "stored.tables"},
		{"files in S3 grow by", "stored.files"},
		{"search indexes in S3 grow by", "stored.index"},
		{"egress", "egress"},
		{"logs", "logs"},
	} {
		fmt.Fprintf(w, "| %s, TB |", l.title)
		for _, r := range m.active() {
			fmt.Fprintf(w, " %s |", tenth(monthSeconds*n.meanOf(r, l.name)/1e12))
		}
		fmt.Fprintf(w, " %s |\n", tenth(monthSeconds*n.mean(l.name)/1e12))
	}
	fmt.Fprintln(w)
}

func (m *Model) pageMonth(w *strings.Builder, n Need) {
	turns := n.mean("turns") * monthSeconds / 1e6
	fmt.Fprintf(w, pageMonthText, m.table.AsOf, whole(turns))
	fmt.Fprint(w, "| USD a month |")
	for _, r := range m.active() {
		fmt.Fprintf(w, " %s |", m.name(r))
	}
	fmt.Fprintln(w, " all | per million turns |\n|---|"+strings.Repeat("---:|", len(m.active())+2))
	for _, part := range billed() {
		m.monthRow(w, n, part, "usd."+part, whole)
	}
	m.monthRow(w, n, "**together, without GPUs**", "usd", func(v float64) string { return bold(whole(v), true) })
	for _, e := range m.engines {
		m.monthRow(w, n, "GPUs, if all is "+e.Name, "gpu usd."+e.Name, whole)
	}
	fmt.Fprintln(w, "\n| one turn, USD per million | API, Lambda, DynamoDB, SQS, S3 | what stands beside it |\n|---|---:|---:|")
	for _, p := range bothPlans {
		b := m.turns[p]
		fmt.Fprintf(w, "| %s | %s | %s |\n", p, ledger.Total(b.Core).FloatString(2), ledger.Total(b.Beside).FloatString(2))
	}
	files := n.mean("stored.files") * monthSeconds / 1e9
	fmt.Fprintf(w, pageMonthAfter, m.turn(premium).WriteUnits.String(), 100*premiumTurns(n)/n.mean("turns"), 100*premiumTurns(n)*number(m.turn(premium).WriteUnits.Rat())/n.mean("chats.writes"),
		100*n.mean("usd.Malware scanner")/n.mean("usd"), whole(files*(m.hourly("between_regions_gb")+m.hourly("s3_storage"))/1e3))
}

// monthRow is what a month of average days costs of something.
func (m *Model) monthRow(w *strings.Builder, n Need, title, name string, write func(float64) string) {
	fmt.Fprintf(w, "| %s |", title)
	for _, r := range m.active() {
		fmt.Fprintf(w, " %s |", write(monthSeconds*n.meanOf(r, name)))
	}
	fmt.Fprintf(w, " %s | %.2f |\n", write(monthSeconds*n.mean(name)), 1e6*n.mean(name)/n.mean("turns"))
}

func premiumTurns(n Need) float64 {
	return n.mean("rate.send.premium") + n.mean("rate.send_with_file.premium")
}

func (m *Model) pageHours(w *strings.Builder, n Need) {
	fmt.Fprint(w, pageHoursText)
	engine := m.engines[0].Name
	for _, r := range m.active() {
		fmt.Fprintf(w, "<details><summary>%s</summary>\n\n", m.name(r))
		fmt.Fprintf(w, "| hour, UTC | sends/s | with a file | log-ins | history | searches | API/s | Lambda | chats: writes | reads | files: writes | SQS/s | in flight: free | premium | queues | streams | relays | workers | Valkey, GB | MECPU/s | Gbit/s | GPUs, %s | USD an hour, without them | for them |\n|---:|%s\n", engine, strings.Repeat("---:|", 23))
		for hour, a := range n[r] {
			both := func(name string) float64 { return a["rate."+name+".free"] + a["rate."+name+".premium"] }
			cells := []string{whole(both("send")), whole(both("send_with_file")), tenth(both("sign_up_or_log_in")), tenth(both("history")), tenth(both("search")),
				whole(a["requests"]), up(a["concurrency"]), whole(a["chats.writes"]), whole(a["chats.reads"]), whole(a["files.writes"]), whole(a["sqs"]),
				whole(a["flight.free"]), whole(a["flight.premium"]), fmt.Sprintf("%d + %d", m.queues(a["flight.free"]), m.queues(a["flight.premium"])),
				whole(a["streams"]), whole(a["relays"]), whole(a["workers"]), whole(a["valkey.gb"]), tenth(a["valkey.ecpus"] / 1e6), tenth(a["egress"] * 8e-9), whole(a["gpus."+engine]),
				whole(math.Round(3600 * a["usd"])), whole(math.Round(3600 * a["gpu usd."+engine]))}
			fmt.Fprintf(w, "| %d | %s |\n", hour, strings.Join(cells, " | "))
		}
		fmt.Fprint(w, "\n</details>\n\n")
	}
}

func (m *Model) pageAssumed(w *strings.Builder) {
	fmt.Fprint(w, pageAssumedText)
	fmt.Fprintln(w, "| what | value | why |\n|---|---:|---|")
	for _, name := range slices.Sorted(maps.Keys(m.own)) {
		a := m.own[name]
		fmt.Fprintf(w, "| %s | %s | %s |\n", strings.ReplaceAll(name, "_", " "), trimmed(number(a.Value.Rat())), a.Why)
	}
	fmt.Fprintln(w, "\n| users of | of all | clocks, UTC + | go to, and if it is lost to | why |\n|---|---:|---:|---|---|")
	for _, p := range m.load.Places {
		fmt.Fprintf(w, "| %s | %.1f %% | %g | %s | %s |\n", p.Name, 100*p.Share, p.UTC, strings.Join(p.Nearest, ", "), p.Why)
	}
	fmt.Fprint(w, pageLeftOut)
}

func clock(at float64) string { return fmt.Sprintf("%02d:%02d", mod24(int(at/3600)), int(at/60)%60) }

func percent(part, all int) string {
	if all == 0 {
		return "0"
	}
	return fmt.Sprintf("%.2f", 100*float64(part)/float64(all))
}

// whole writes a number without digits behind the point, with commas between
// thousands; what is small and isn't zero keeps digits.
func whole(v float64) string {
	if v != 0 && math.Abs(v) < 10 && v != math.Trunc(v) {
		return trimmed(v)
	}
	s := fmt.Sprintf("%.0f", v)
	for at := len(s) - 3; at > 0 && s[at-1] != '-'; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}

// up is the next whole number.
func up(v float64) string { return whole(max(0, math.Ceil(v-1e-9))) }

func tenth(v float64) string {
	if v >= 1000 {
		return whole(v)
	}
	return fmt.Sprintf("%.1f", v)
}

// trimmed writes a number with two digits that tell something.
func trimmed(v float64) string { return fmt.Sprintf("%g", math.Round(v*1000)/1000) }
