package main

import (
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"

	"parley/scripts/internal/ledger"
	"parley/scripts/internal/prices"
)

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
	texts := 0 // steps that go by length
	for i := range t.Steps {
		s := &t.Steps[i]
		texts++
		switch s.Name {
		case "send: write the question":
			s.WriteUnits = max(2, s.WriteUnits+more(question, 1024))
		case "worker: store the answer":
			s.WriteUnits = max(2, s.WriteUnits+more(answer, 1024))
		case "worker: read the question and what is before it":
			s.ReadUnits = max(1, s.ReadUnits+more(question, 8192))
		case "worker: read the history":
			s.ReadUnits = ledger.Units(math.Ceil(float64(s.ReadUnits) * before / (historyTurns * turnText)))
		default:
			texts--
		}
		t.WriteUnits, t.ReadUnits = t.WriteUnits+s.WriteUnits, t.ReadUnits+s.ReadUnits
	}
	if texts != 4 {
		m.fail(fmt.Errorf("of the ledger's turn %d steps go by the length of texts, not 4", texts))
	}
	t.StoredBytes = int(math.Round(float64(text.TextBytes) * packed))
	t.AnswerBytes = answer
	return t
}

// prices is the table with what a plan's turn assumes.
func (m *Model) prices(p plan) prices.Table {
	t := m.table
	t.Assumptions = maps.Clone(t.Assumptions)
	other := map[string]float64{"answer_seconds": m.answering(p)}
	const short, long = turnText / 2, 508 << 10
	if question, _ := m.texts(p); question > short {
		own := m.assume("own_ms")
		other["own_ms"] = own + (m.assume("long_own_ms")-own)*float64(question-short)/(long-short)
	}
	for name, v := range other {
		t.Assumptions[name] = prices.Assumption{Value: prices.Exactly(new(big.Rat).SetFloat64(v)), Why: t.Assumptions[name].Why}
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
