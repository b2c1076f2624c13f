package ledger

import (
	"fmt"
	"math/big"
	"strings"

	"parley/scripts/internal/prices"
)

// million is the number of turns that docs/cost.md is about.
const million = 1_000_000

// Aim is what API, Lambda, DynamoDB, SQS and S3 may cost for a million turns, in
// dollars.
const Aim = 15

// Row is a line of docs/cost.md.
type Row struct {
	Part     string
	Quantity *big.Rat // in one turn
	Price    string   // its name in docs/prices.json
	USD      *big.Rat // for a million turns
}

// Bill is what a million turns cost.
type Bill struct {
	Core   []Row // API, Lambda, DynamoDB, SQS, S3
	Beside []Row // edge, egress, Valkey, logs, storage
}

// Total adds rows up.
func Total(rows []Row) *big.Rat {
	sum := new(big.Rat)
	for _, r := range rows {
		sum.Add(sum, r.USD)
	}
	return sum
}

// biller gathers rows and the first thing that is missing.
type biller struct {
	table prices.Table
	turn  Turn
	err   error
}

// NewBill prices a turn.
func NewBill(turn Turn, table prices.Table) (Bill, error) {
	b := &biller{table: table, turn: turn}
	bill := Bill{Core: b.core(), Beside: b.beside()}
	return bill, b.err
}

func (b *biller) row(part, price string, quantity *big.Rat) Row {
	usd, err := b.table.Cost(price, new(big.Rat).Mul(quantity, big.NewRat(million, 1)))
	if err != nil {
		b.fail(err)
		usd = new(big.Rat)
	}
	return Row{part, quantity, price, usd}
}

func (b *biller) assume(name string) *big.Rat {
	v, err := b.table.Assume(name)
	if err != nil {
		b.fail(err)
		return big.NewRat(1, 1)
	}
	return v
}

func (b *biller) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *biller) core() []Row {
	rows := []Row{
		b.row("API: one call", "http_api_request", whole1(1)),
		b.row("Lambda: one call", "lambda_request", whole1(1)),
		b.row("Lambda: its time", "lambda_gb_second", b.lambda()),
	}
	for _, s := range b.turn.Steps {
		if s.WriteUnits > 0 {
			rows = append(rows, b.row("DynamoDB writes, "+s.Name, "dynamodb_write", s.WriteUnits.Rat()))
		}
	}
	for _, s := range b.turn.Steps {
		if s.ReadUnits > 0 {
			rows = append(rows, b.row("DynamoDB reads, "+s.Name, "dynamodb_read", s.ReadUnits.Rat()))
		}
	}
	single := whole1(b.turn.SQSCalls - b.turn.calls(deletion))
	sqs := new(big.Rat).Add(single, new(big.Rat).Add(b.deletions(), b.heartbeats()))
	return append(rows,
		b.row("SQS: send, receive", "sqs_request", single),
		b.row("SQS: delete, with others", "sqs_request", b.deletions()),
		b.row("SQS: heartbeats", "sqs_request", b.heartbeats()),
		b.row("SQS: fairness among users", "sqs_fair", sqs),
		b.row("S3: usage record, in a file with others", "s3_put", quotient(whole1(b.turn.S3Calls), b.assume("usage_batch"))))
}

// deletion is the step whose calls are shared among prompts that end together.
const deletion = "worker: delete the prompt"

// deletions are a prompt's share of the calls, of ten prompts each, that delete those
// which end together.
func (b *biller) deletions() *big.Rat {
	batch := b.assume("usage_batch")
	tens := new(big.Int).Div(new(big.Int).Add(batch.Num(), big.NewInt(9)), big.NewInt(10)) // rounded up
	return product(whole1(b.turn.calls(deletion)), quotient(new(big.Rat).SetInt(tens), batch))
}

// calls returns how many calls a step of the turn has.
func (t Turn) calls(step string) int {
	for _, s := range t.Steps {
		if s.Name == step {
			return s.Calls
		}
	}
	return 0
}

func (b *biller) beside() []Row {
	stream := b.stream()
	return []Row{
		b.row("Edge: CDN", "cloudfront_request", b.assume("edge_requests")),
		b.row("Edge: firewall", "waf_request", b.assume("edge_requests")),
		b.row("Edge: the relay's load balancer", "alb_lcu_hour", stream),
		b.row("Egress: the streamed answer", "egress_gb", stream),
		b.row("Valkey: commands", "valkey_ecpu", product(b.frames(), whole1(b.turn.FrameCommands))),
		b.row("Valkey: memory", "valkey_gb_hour", product(stream, b.assume("frames_kept_hours"))),
		b.row("Logs", "logs_gb", gigabytes(b.assume("log_bytes"))),
		b.row("Storage, the first month", "dynamodb_storage", gigabytes(whole1(b.turn.StoredBytes))),
		b.row("Storage, its backup, the first month", "dynamodb_backup", gigabytes(whole1(b.turn.StoredBytes))),
	}
}

// lambda is the GB-seconds of a send.
func (b *biller) lambda() *big.Rat {
	return product(b.send(), quotient(b.assume("function_mb"), whole1(1024)))
}

// send is for how long send-message is at it, in seconds.
func (b *biller) send() *big.Rat { return b.seconds(b.sendWork(), b.assume("function_mb")) }

func (b *biller) sendWork() work {
	return work{b.waits(b.turn.RoundsToAccepted, 0, 0), b.assume("own_ms")}
}

// heartbeats are a prompt's share of the calls that keep it.
func (b *biller) heartbeats() *big.Rat {
	return quotient(quotient(b.assume("answer_seconds"), b.assume("heartbeat_seconds")), b.assume("heartbeat_batch"))
}

func (b *biller) frames() *big.Rat {
	return product(b.assume("answer_seconds"), b.assume("frames_per_second"))
}

// stream is the size of a streamed answer in GB.
func (b *biller) stream() *big.Rat {
	answer := b.turn.AnswerBytes
	if answer == 0 {
		answer = 8 << 10
	}
	return gigabytes(new(big.Rat).Add(whole1(answer), product(b.frames(), whole1(b.turn.EventBytes))))
}

func gigabytes(bytes *big.Rat) *big.Rat { return quotient(bytes, big.NewRat(1_000_000_000, 1)) }
func whole1(n int) *big.Rat             { return big.NewRat(int64(n), 1) }
func product(a, b *big.Rat) *big.Rat    { return new(big.Rat).Mul(a, b) }
func quotient(a, b *big.Rat) *big.Rat   { return new(big.Rat).Quo(a, b) }

// table writes rows and their sum in Markdown; shares are of the sum.
func table(w *strings.Builder, rows []Row, p prices.Table) {
	total := Total(rows)
	fmt.Fprintln(w, "| part | in one turn | of | USD per million turns | share |\n|---|---:|---|---:|---:|")
	for _, r := range rows {
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", r.Part, number(r.Quantity), p.Prices[r.Price].Of, r.USD.FloatString(2), share(r.USD, total))
	}
	fmt.Fprintf(w, "| **together** | | | **%s** | |\n\n", total.FloatString(2))
}

func share(part, total *big.Rat) string {
	if total.Sign() == 0 {
		return "0 %"
	}
	return product(quotient(part, total), whole1(100)).FloatString(1) + " %"
}

// number writes a quantity with as many digits as tell something.
func number(q *big.Rat) string {
	digits := 4
	if small := big.NewRat(1, 100); q.Sign() > 0 && q.Cmp(small) < 0 {
		digits = 9
	}
	s := q.FloatString(digits)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}
