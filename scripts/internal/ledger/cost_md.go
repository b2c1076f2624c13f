package ledger

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"parley/scripts/internal/prices"
)

// CostPage writes docs/cost.md.
func CostPage(l Ledger, p prices.Table) (string, error) {
	bill, err := NewBill(l.Turn, p)
	if err != nil {
		return "", err
	}
	w := &strings.Builder{}
	fmt.Fprintf(w, costHead, p.AsOf, p.Source, Total(bill.Core).FloatString(2), Aim)
	table(w, bill.Core, p)
	fmt.Fprint(w, costSums)
	sums(w, l.Turn)
	fmt.Fprint(w, costBeside)
	table(w, bill.Beside, p)
	fmt.Fprint(w, costTried)
	fmt.Fprint(w, costOperations)
	operations(w, l)
	if err := errors.Join(files(w, l, p), searches(w, l, p, Total(bill.Core)), sizing(w, l, p)); err != nil {
		return "", err
	}
	fmt.Fprint(w, costAssumed)
	for _, name := range slices.Sorted(maps.Keys(p.Assumptions)) {
		a := p.Assumptions[name]
		fmt.Fprintf(w, "| %s | %s | %s |\n", strings.ReplaceAll(name, "_", " "), number(a.Value.Rat()), a.Why)
	}
	return w.String(), nil
}

func sums(w *strings.Builder, t Turn) {
	fmt.Fprintln(w, "| a turn | aim | counted |\n|---|---:|---:|")
	for _, r := range []struct {
		what, aim string
		counted   any
	}{
		{"write units", "16", t.WriteUnits},
		{"read units", "18", t.ReadUnits},
		{"SQS calls, heartbeats apart", "4", t.SQSCalls},
		{"round trips before the 202", "3", t.RoundsToAccepted},
		{"in sequence from the 202 to the first token, besides the engine's", "5", t.RoundsToFirstToken},
		{"DynamoDB calls", "", t.DynamoDBCalls},
		{"bytes to AWS", "", t.SentBytes},
		{"bytes from AWS", "", t.GotBytes},
		{"bytes that stay stored", "", t.StoredBytes},
	} {
		fmt.Fprintf(w, "| %s | %s | %v |\n", r.what, r.aim, r.counted)
	}
	fmt.Fprintln(w)
}

func operations(w *strings.Builder, l Ledger) {
	fmt.Fprintln(w, "| operation | DynamoDB calls | write units | read units | SQS | S3 | KMS | SES | in sequence |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|")
	for _, name := range slices.Sorted(maps.Keys(l.Operations)) {
		f := l.Operations[name]
		fmt.Fprintf(w, "| %s | %d | %v | %v | %d | %d | %d | %d | %d |\n", name, f.DynamoDBCalls, f.WriteUnits, f.ReadUnits,
			f.SQSCalls, f.S3Calls, f.KMSCalls, f.SESCalls, f.Rounds)
	}
	fmt.Fprintln(w)
}
