package main

import (
	"cmp"
	_ "embed"
	"math"
	"math/big"
	"strings"

	"parley/scripts/internal/ledger"
	"parley/scripts/internal/prices"
)

// amounts are what is needed of things, by name. Times what is done in a second they
// are what is needed all the time: seconds of a function become its concurrency.
type amounts map[string]float64

func (a amounts) add(o amounts, times float64) {
	for name, v := range o {
		a[name] += times * v
	}
}

func number(r *big.Rat) float64 { v, _ := r.Float64(); return v }

// Model is what is needed for a load.
type Model struct {
	load    Load
	ledger  ledger.Ledger
	table   prices.Table
	engines []Engine
	own     map[string]prices.Assumption // that docs/prices.json hasn't
	turns   map[plan]ledger.Bill
	units   map[string]map[plan]unit // by operation
	err     error
}

// turnText is how long a question and its answer are in the ledger, in bytes.
const turnText = 16 << 10

// assumptions are what the plan assumes besides docs/prices.json.
//
//go:embed assumptions.json
var assumptions []byte

// historyTurns is how many turns the chat of the ledger's turn has had.
const historyTurns = 20

func newModel(l Load, led ledger.Ledger, table prices.Table, e []Engine) (*Model, error) {
	table, own, err := table.Assuming(assumptions)
	if err != nil {
		return nil, err
	}
	m := &Model{own: own, load: l, ledger: led, table: table, engines: e, turns: map[plan]ledger.Bill{}, units: map[string]map[plan]unit{}}
	for _, o := range l.operations() {
		m.units[o.name] = map[plan]unit{}
	}
	for _, p := range bothPlans {
		m.units["send"][p] = m.send(p)
		m.units["send_with_file"][p] = m.withFile(p)
		m.units["sign_up_or_log_in"][p] = m.logIn()
		m.units["history"][p] = m.history(p)
		m.units["search"][p] = m.search()
	}
	for _, byPlan := range m.units {
		for _, u := range byPlan {
			m.cost(u)
		}
	}
	return m, m.err
}

// cost adds to what a unit needs what it costs, in dollars, by part of the bill.
func (m *Model) cost(u unit) {
	for _, r := range u.rows {
		usd, err := m.table.Cost(r.Price, r.Quantity)
		if err != nil {
			m.fail(err)
			return
		}
		u.needs["usd."+partOf(r.Price)] += number(usd)
	}
}

func (m *Model) fail(err error) {
	m.err = cmp.Or(m.err, err)
}

func (m *Model) assume(name string) float64 {
	v, err := m.table.Assume(name)
	if err != nil {
		m.fail(err)
		return 1
	}
	return number(v)
}

// Need is what all regions need in each hour, by the place of the region and the hour.
type Need [][24]amounts

// need works out what is needed where each place goes to is told by to.
func (m *Model) need(to func(Place) int) Need {
	n := make(Need, len(m.load.Regions))
	for r := range n {
		for hour := range n[r] {
			n[r][hour] = amounts{}
		}
	}
	for _, o := range m.load.operations() {
		for _, p := range bothPlans {
			for r, rates := range m.load.byRegion(o.rates.of(p), to) {
				for hour, rate := range rates {
					n[r][hour].add(m.units[o.name][p].needs, rate)
					n[r][hour]["rate."+o.name+"."+p.String()] += rate
				}
			}
		}
	}
	for r := range n {
		for hour := range n[r] {
			m.derive(n[r][hour])
		}
	}
	return n
}

// derive adds what follows from the rest: whole things, and sums.
func (m *Model) derive(a amounts) {
	for name, v := range a {
		if strings.HasPrefix(name, "lambda.") {
			a["concurrency"] += v
		}
	}
	relay := m.assume("frames_per_core") * m.assume("relay_vcpus") * m.assume("relay_busy")
	a["relays"] = math.Ceil(a["frames"] / relay)
	a["workers"] = math.Ceil((a["flight.free"] + a["flight.premium"]) / m.assume("worker_answers"))
	for _, e := range m.engines {
		a["engines."+e.Name] = math.Ceil(a["gpu."+e.Name] / float64(e.GPUs))
		a["gpus."+e.Name] = a["engines."+e.Name] * float64(e.GPUs)
	}
	for part, name := range fleetParts {
		a["usd."+part] = a[name+"s"] * (m.assume(name+"_vcpus")*m.hourly("fargate_vcpu_hour") + m.assume(name+"_gb")*m.hourly("fargate_gb_hour")) / 3600
	}
	for name, v := range a {
		if strings.HasPrefix(name, "usd.") {
			a["usd"] += v
		}
	}
	for _, e := range m.engines {
		a["gpu usd."+e.Name] = a["gpus."+e.Name] * m.hourly(e.Price) / 3600
	}
	// Each process of send-message reads what a plan's workers do together every so often,
	// and report-backlog reads them one by one each minute.
	looks := a["lambda.send-message"] / m.assume("look_seconds")
	a["partition.reads"] = (looks + math.Ceil(a["workers"]*m.assume("pace_bytes")/4096)/60) / 2
	a["turns"] = a["rate.send.free"] + a["rate.send.premium"] + a["rate.send_with_file.free"] + a["rate.send_with_file.premium"]
}

// hourly is what a price is of one.
func (m *Model) hourly(price string) float64 {
	usd, err := m.table.Cost(price, big.NewRat(1, 1))
	if err != nil {
		m.fail(err)
		return 0
	}
	return number(usd)
}

// most is the largest amount of a region in any hour, and the hour.
func (n Need) most(region int, name string) (most float64, at int) {
	for hour, a := range n[region] {
		if a[name] > most {
			most, at = a[name], hour
		}
	}
	return most, at
}

// total is the sum over regions in an hour.
func (n Need) total(hour int, name string) float64 {
	sum := 0.0
	for r := range n {
		sum += n[r][hour][name]
	}
	return sum
}

// busiest is the hour in which all regions together need the most, and how much.
func (n Need) busiest(name string) (hour int, value float64) {
	var h hours
	for i := range h {
		h[i] = n.total(i, name)
	}
	return h.busiest()
}

// mean is the mean over a day of all regions together.
func (n Need) mean(name string) float64 {
	sum := 0.0
	for r := range n {
		sum += n.meanOf(r, name)
	}
	return sum
}

// meanOf is that of one region.
func (n Need) meanOf(region int, name string) float64 {
	sum := 0.0
	for _, a := range n[region] {
		sum += a[name]
	}
	return sum / 24
}
