package ledger

import (
	"fmt"
	"math/big"
	"strings"

	"parley/scripts/internal/prices"
)

// work is what one call of a function takes.
type work struct {
	waits *big.Rat // ms, for AWS and for bytes that are moved
	own   *big.Rat // ms of a whole core
}

// waits are the ms of calls in sequence, of which so many are S3's, and of bytes that
// are moved.
func (b *biller) waits(rounds, s3, moved int) *big.Rat {
	return sum(
		product(whole1(max(rounds-s3, 0)), b.assume("aws_round_trip_ms")),
		product(whole1(s3), b.assume("s3_round_trip_ms")),
		quotient(whole1(moved), product(b.assume("s3_mb_per_second"), whole1(1000))))
}

// seconds are for how long a function of so many MB is at it: with less memory than
// that of a core, Lambda gives it as large a part of one.
func (b *biller) seconds(w work, memory *big.Rat) *big.Rat {
	own := w.own
	if core := b.assume("core_mb"); memory.Cmp(core) < 0 {
		own = product(own, quotient(core, memory))
	}
	return quotient(sum(w.waits, own), whole1(1000))
}

// sized is a function with a call that is typical of it.
type sized struct {
	name string
	work
	memory *big.Rat // of the template
}

// sized are the functions whose memory docs/cost.md weighs.
func (b *biller) sized(l Ledger) []sized {
	operation := func(name string) int {
		f, err := l.operation(name)
		b.fail(err)
		return f.Rounds
	}
	row := func(rows []FileRow, what string) FileRow {
		r, err := find(rows, what)
		b.fail(err)
		return r
	}
	index, search, process := row(l.Search, "index 88 turns of four chats"), row(l.Search, "search what is indexed"), row(l.Files, "8 MB: process")
	return []sized{
		{"send-message: a send", b.sendWork(), b.assume("function_mb")},
		{"history: a page of 30", work{b.waits(operation("history page of 30"), 0, 0), b.assume("read_own_ms")}, b.assume("function_mb")},
		{"login: a log-in", work{b.waits(operation("log in"), 0, 0), b.assume("hash_own_ms")}, b.assume("hash_mb")},
		{"search: what is indexed", b.searchWork(search), b.searchMemory(search)},
		{"index-history: 88 turns", b.searchWork(index), b.searchMemory(index)},
		{"process-upload: 8 MB", b.fileWork(process), b.memory(process)},
	}
}

// sizes are those that docs/cost.md compares, in MB.
var sizes = []int64{128, 256, 512, 1024, 1769, 2048}

// sizing writes how long functions take, and what that costs, by their memory.
func sizing(w *strings.Builder, l Ledger, p prices.Table) error {
	b := &biller{table: p, turn: l.Turn}
	fmt.Fprint(w, costMemory, "| function |")
	for _, size := range sizes {
		fmt.Fprintf(w, " %d MB |", size)
	}
	fmt.Fprintf(w, "\n|---|%s\n", strings.Repeat("---:|", len(sizes)))
	for _, s := range b.sized(l) {
		fmt.Fprintf(w, "| %s |", s.name)
		for _, size := range sizes {
			memory := whole1(int(size))
			seconds := b.seconds(s.work, memory)
			usd := b.row("", "lambda_gb_second", product(seconds, quotient(memory, whole1(1024)))).USD
			cell := fmt.Sprintf("%s ms, %s", product(seconds, whole1(1000)).FloatString(0), usd.FloatString(2))
			if memory.Cmp(s.memory) == 0 {
				cell = "**" + cell + "**"
			}
			fmt.Fprintf(w, " %s |", cell)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprint(w, costMemoryWhy)
	return b.err
}
