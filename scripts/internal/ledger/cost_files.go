package ledger

import (
	"fmt"
	"math/big"
	"strings"

	"parley/scripts/internal/prices"
)

// fileTime is for how long functions are at r, in seconds.
func (b *biller) fileTime(r FileRow) *big.Rat { return b.seconds(b.fileWork(r), b.memory(r)) }

func (b *biller) fileWork(r FileRow) work {
	own := product(b.assume("own_ms"), whole1(r.Requests+r.Events))
	switch {
	case r.Notices > 0:
		own = b.assume("process_own_ms")
	case r.Requests+r.Events == 0: // on top of a send; the rest is the fleet's
		r.S3Calls, r.Moved = 0, 0
	}
	return work{b.waits(r.Rounds, r.S3Calls, r.Moved), own}
}

// memory is that of the functions that do r, in MB.
func (b *biller) memory(r FileRow) *big.Rat {
	if r.Notices > 0 {
		return b.assume("process_mb")
	}
	return b.assume("function_mb")
}

func sum(all ...*big.Rat) *big.Rat {
	total := new(big.Rat)
	for _, r := range all {
		total.Add(total, r)
	}
	return total
}

func (b *biller) fileRows(r FileRow) []Row { return b.rows(r, b.fileTime(r), b.memory(r)) }

// rows is what r takes of each price, with a function of so many MB that is at it for
// so many seconds.
func (b *biller) rows(r FileRow, seconds, memory *big.Rat) []Row {
	return []Row{
		b.row("", "http_api_request", whole1(r.Requests)),
		b.row("", "lambda_request", whole1(r.Requests+r.Events)),
		b.row("", "lambda_gb_second", product(seconds, quotient(memory, whole1(1024)))),
		b.row("", "dynamodb_write", r.WriteUnits.Rat()),
		b.row("", "dynamodb_read", r.ReadUnits.Rat()),
		b.row("", "sqs_request", whole1(r.sqs())),
		b.row("", "s3_put", whole1(r.S3Puts+r.ClientPuts)),
		b.row("", "s3_get", whole1(r.S3Gets+r.ClientGets)),
	}
}

// fileCost is what a million of r cost.
func (b *biller) fileCost(r FileRow) *big.Rat {
	return Total(b.fileRows(r))
}

// keeping are what S3, the scanner and the way to the client cost for a million files
// of that many bytes.
func (b *biller) keeping(bytes int) []Row {
	size := gigabytes(whole1(bytes))
	return []Row{
		b.row("kept in S3, each month", "s3_storage", size),
		b.row("looked at by the malware scanner: bytes", "guardduty_gb", size),
		b.row("looked at by the malware scanner: objects", "guardduty_object", whole1(1)),
		b.row("sent to a client, each time", "egress_gb", size),
	}
}

// files writes what is done with files, and what they cost as such.
func files(w *strings.Builder, l Ledger, p prices.Table) error {
	b := &biller{table: p}
	fmt.Fprint(w, costFiles)
	fmt.Fprintln(w, "| what | API | functions | their ms | DynamoDB calls | write units | read units | S3: PUT, COPY, LIST | S3: GET, HEAD | SQS | USD per million |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	for _, r := range l.Files {
		fmt.Fprintf(w, "| %s | %d | %d | %s | %d | %v | %v | %d | %d | %d | %s |\n", r.What, r.Requests, r.Requests+r.Events,
			product(b.fileTime(r), whole1(1000)).FloatString(0), r.DynamoDBCalls, r.WriteUnits, r.ReadUnits, r.S3Puts+r.ClientPuts, r.S3Gets+r.ClientGets, r.sqs(), b.fileCost(r).FloatString(2))
	}
	fmt.Fprint(w, costKept)
	fmt.Fprintln(w, "| a million files of 8 MB | of | USD |\n|---|---|---:|")
	for _, r := range b.keeping(8 << 20) {
		fmt.Fprintf(w, "| %s | %s | %s |\n", r.Part, p.Prices[r.Price].Of, r.USD.FloatString(2))
	}
	fmt.Fprint(w, "\n", costFilesTried)
	return b.err
}
