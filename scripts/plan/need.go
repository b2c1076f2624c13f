package main

import (
	"cmp"
	_ "embed"
	"maps"
	"math"
	"math/big"
	"slices"
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

// unit is what doing an operation once needs and costs.
type unit struct {
	needs amounts
	rows  []ledger.Row
}

// row adds what a price of is paid for.
func (u *unit) row(part, price string, quantity float64) {
	u.rows = append(u.rows, ledger.Row{Part: part, Price: price, Quantity: new(big.Rat).SetFloat64(quantity)})
}

// priced adds what the ledger has of an operation.
func (u *unit) priced(part string, p ledger.Priced, function string, times float64) {
	u.needs["lambda."+function] += times * number(p.Seconds)
	for _, r := range p.Rows {
		q := times * number(r.Quantity)
		u.row(part, r.Price, q)
		switch r.Price {
		case "http_api_request":
			u.needs["requests"] += q
		case "sqs_request":
			u.needs["sqs"] += q
		}
	}
}

// units adds read and write units of a table.
func (u *unit) units(table string, f ledger.Figures, times float64) {
	u.needs[table+".writes"] += times * number(f.WriteUnits.Rat())
	u.needs[table+".reads"] += times * number(f.ReadUnits.Rat())
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

// answering is for how long an engine writes an answer, in seconds.
func (m *Model) answering(p plan) float64 {
	return m.assume("answer_seconds") * float64(m.load.Plans.of(p).AnswerTokens) / 2048
}

// reading is for how long it reads the prompt before.
func (m *Model) reading(p plan) float64 {
	return float64(m.load.Plans.of(p).PromptTokens) / m.assume("read_tokens")
}

// texts are how long question and answer are, in bytes.
func (m *Model) texts(p plan) (question, answer int) {
	t := m.load.Plans.of(p)
	answer = t.TextBytes * t.AnswerTokens / (t.PromptTokens + t.AnswerTokens)
	return t.TextBytes - answer, answer
}

// turn is the ledger's turn with texts of a plan's length. What is written and read
// grows with the texts as the ledger's are packed. Of the chat before it as much is
// read as the model's context has room for.
func (m *Model) turn(p plan) ledger.Turn {
	t := m.ledger.Turn
	question, answer := m.texts(p)
	packed := float64(t.StoredBytes) / turnText
	more := func(bytes int, unit float64) ledger.Units { // half units
		return ledger.Units(2 * math.Ceil(float64(bytes-turnText/2)*packed/unit))
	}
	text := m.load.Plans.of(p)
	room := max(m.load.Plans.Free.MostTokens, m.load.Plans.Premium.MostTokens) - text.PromptTokens
	before := min(float64(historyTurns*turnText), float64(room)*float64(text.TextBytes)/float64(text.PromptTokens+text.AnswerTokens))
	t.Steps = slices.Clone(t.Steps)
	t.WriteUnits, t.ReadUnits = 0, 0
	for i := range t.Steps {
		s := &t.Steps[i]
		switch s.Name {
		case "send: write the question":
			s.WriteUnits = max(2, s.WriteUnits+more(question, 1024))
		case "worker: store the answer":
			s.WriteUnits = max(2, s.WriteUnits+more(answer, 1024))
		case "worker: read the question and what is before it":
			s.ReadUnits = max(1, s.ReadUnits+more(question, 8192))
		case "worker: read the history":
			s.ReadUnits = ledger.Units(math.Ceil(float64(s.ReadUnits) * before / (historyTurns * turnText)))
		}
		t.WriteUnits, t.ReadUnits = t.WriteUnits+s.WriteUnits, t.ReadUnits+s.ReadUnits
	}
	t.StoredBytes = int(math.Round(float64(text.TextBytes) * packed))
	t.AnswerBytes = answer
	return t
}

// prices is the table with what a plan's turn assumes.
func (m *Model) prices(p plan) prices.Table {
	t := m.table
	t.Assumptions = maps.Clone(t.Assumptions)
	question, _ := m.texts(p)
	const short, long = turnText / 2, 508 << 10
	own := m.assume("own_ms")
	own += (m.assume("long_own_ms") - own) * max(0, float64(question-short)) / (long - short)
	for name, v := range map[string]float64{"own_ms": own, "answer_seconds": m.answering(p)} {
		t.Assumptions[name] = prices.Assumption{Value: prices.Exactly(new(big.Rat).SetFloat64(v)), Why: t.Assumptions[name].Why}
	}
	if own == m.assume("own_ms") {
		t.Assumptions["own_ms"] = m.table.Assumptions["own_ms"]
	}
	return t
}

func (m *Model) send(p plan) unit {
	t := m.turn(p)
	bill, seconds, err := ledger.PriceTurn(t, m.prices(p))
	m.fail(err)
	m.turns[p] = bill
	text := m.load.Plans.of(p)
	u := unit{needs: amounts{
		"requests": 1, "lambda.send-message": number(seconds), "logs": m.assume("log_bytes"), "edge": m.assume("edge_requests"),
		"stored.tables": float64(t.StoredBytes), "stored.index": m.assume("index_part") * float64(text.TextBytes),
		"flight." + p.String(): m.reading(p) + m.answering(p), "streams": m.reading(p) + m.answering(p),
		"frames": m.answering(p) * m.assume("frames_per_second"),
	}, rows: slices.Concat(bill.Core, bill.Beside)}
	u.units("chats", t.Figures, 1)
	for _, r := range u.rows {
		q := number(r.Quantity)
		switch r.Price {
		case "sqs_request":
			u.needs["sqs"] += q
		case "egress_gb":
			u.needs["egress"] += q * 1e9
		case "valkey_ecpu":
			u.needs["valkey.ecpus"] += q
		case "valkey_gb_hour":
			u.needs["valkey.gb"] += q * 3600
		}
	}
	for _, e := range m.engines {
		u.needs["gpu."+e.Name] = e.seconds(text) / m.assume("busy_part")
	}
	// Indexing goes by text: once for that of so many of the ledger's turns.
	row, index, err := m.ledger.PriceSearch("index 88 turns of four chats", m.table)
	m.fail(err)
	times := float64(text.TextBytes) / turnText / ledger.IndexedTurns
	u.priced("Search: indexing", index, "index-history", times)
	u.units("chats", row.Figures, times)
	u.row("Search: indexes, the first month", "s3_storage", u.needs["stored.index"]/1e9)
	return u
}

func (m *Model) withFile(p plan) unit {
	u := m.send(p)
	u.needs, u.rows = maps.Clone(u.needs), slices.Clone(u.rows)
	for _, f := range []struct{ what, function string }{{"8 MB: upload", "upload"}, {"8 MB: process", "process-upload"}, {"a file that a question brings, on top of its turn", ""}} {
		row, priced, err := m.ledger.PriceFile(f.what, m.table)
		m.fail(err)
		if f.function == "" { // its time is the send's and the fleet's
			u.priced("Files: functions and tables", ledger.Priced{Rows: priced.Rows, Seconds: new(big.Rat)}, "send-message", 1)
		} else {
			u.priced("Files: functions and tables", priced, f.function, 1)
		}
		u.units("files", row.Figures, 1)
	}
	gb := float64(m.load.FileBytes) / 1e9
	u.needs["stored.files"] = float64(m.load.FileBytes)
	u.row("Files: kept, the first month", "s3_storage", gb)
	u.row("Files: malware scanner", "guardduty_gb", gb)
	u.row("Files: malware scanner", "guardduty_object", 1)
	return u
}

// operation is a request to the API that a function answers, of that much memory and
// that long at it.
func (m *Model) operation(u *unit, part, name, function, memory, own, table string, times float64) {
	mb, err := m.table.Assume(memory)
	m.fail(err)
	ms, err := m.table.Assume(own)
	m.fail(err)
	if m.err != nil {
		return
	}
	row, priced, err := m.ledger.PriceOperation(name, mb, ms, m.table)
	m.fail(err)
	u.priced(part, priced, function, times)
	u.units(table, row, times)
	u.needs["mails"] += times * float64(row.SESCalls)
	u.edge(part, m, times)
}

// edge adds what each request costs on its way.
func (u *unit) edge(part string, m *Model, times float64) {
	u.needs["edge"] += times
	u.needs["logs"] += times * m.assume("log_bytes")
	u.row(part, "cloudfront_request", times)
	u.row(part, "waf_request", times)
	u.row(part, "logs_gb", times*m.assume("log_bytes")/1e9)
}

func (m *Model) logIn() unit {
	u := unit{needs: amounts{"kms": 1}}
	part := m.load.SignUpPart
	m.operation(&u, "Accounts", "sign up", "signup", "hash_mb", "hash_own_ms", "accounts", part)
	m.operation(&u, "Accounts", "log in", "login", "hash_mb", "hash_own_ms", "accounts", 1-part)
	return u
}

func (m *Model) history(p plan) unit {
	u := unit{needs: amounts{}}
	m.operation(&u, "History", "history page of 30", "history", "function_mb", "read_own_ms", "chats", float64(m.load.HistoryMessages)/30)
	bytes := float64(m.load.HistoryMessages) * float64(m.load.Plans.of(p).TextBytes) / 2
	u.needs["egress"] += bytes
	u.row("History", "egress_gb", bytes/1e9)
	return u
}

func (m *Model) search() unit {
	u := unit{needs: amounts{}}
	row, priced, err := m.ledger.PriceSearch("search what is indexed", m.table)
	m.fail(err)
	u.priced("Search: queries", priced, "search", 1)
	u.units("chats", row.Figures, 1)
	u.edge("Search: queries", m, 1)
	return u
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
	// Each process of send-message reads all paces of the plan every so often.
	looks := a["lambda.send-message"] / m.assume("look_seconds")
	a["partition.reads"] = looks * math.Ceil(a["workers"]*m.assume("pace_bytes")/4096) / 2
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

// queues is how many queues of a plan a region needs.
func queues(inFlight float64) int { return max(1, int(math.Ceil(inFlight/120_000))) }
