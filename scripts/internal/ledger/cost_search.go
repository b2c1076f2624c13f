package ledger

import (
	"fmt"
	"math/big"
	"strings"

	"parley/scripts/internal/prices"
)

// IndexedTurns is how many turns of 16 KB there are, on average, from one indexing of a
// history to the next: fleet/work asks for one after 700 KB of answers.
const IndexedTurns = 88

// searchTime is for how long a function is at r, in seconds.
func (b *biller) searchTime(r FileRow) *big.Rat { return b.seconds(b.searchWork(r), b.searchMemory(r)) }

func (b *biller) searchWork(r FileRow) work {
	own := b.assume("search_own_ms")
	if r.Events > 0 {
		own = b.assume("index_own_ms")
	}
	return work{b.waits(r.Rounds, min(r.S3Calls, r.Rounds), r.Moved), own}
}

func (b *biller) searchMemory(r FileRow) *big.Rat {
	if r.Events > 0 {
		return b.assume("index_mb")
	}
	return b.assume("search_mb")
}

func (b *biller) searchRows(r FileRow) []Row {
	seconds, memory := b.searchTime(r), b.searchMemory(r)
	r.SQSCalls += r.Events // the job is sent, too
	return b.rows(r, seconds, memory)
}

// searchCost is what a million of r cost.
func (b *biller) searchCost(r FileRow) *big.Rat { return Total(b.searchRows(r)) }

// searches writes what search costs, and what that comes to beside a turn's price.
func searches(w *strings.Builder, l Ledger, p prices.Table, turn *big.Rat) error {
	b := &biller{table: p}
	fmt.Fprint(w, costSearch)
	fmt.Fprintln(w, "| what | their ms | DynamoDB calls | write units | read units | S3: PUT | S3: GET | in sequence | USD per million |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|")
	var index, find *big.Rat
	for _, r := range l.Search {
		cost := b.searchCost(r)
		switch {
		case index == nil && r.Events > 0:
			index = cost
		case r.What == "search what is indexed":
			find = cost
		}
		fmt.Fprintf(w, "| %s | %s | %d | %v | %v | %d | %d | %d | %s |\n", r.What, product(b.searchTime(r), whole1(1000)).FloatString(0),
			r.DynamoDBCalls, r.WriteUnits, r.ReadUnits, r.S3Puts, r.S3Gets, r.Rounds, cost.FloatString(2))
	}
	if index == nil || find == nil {
		return fmt.Errorf("the ledger has no rows of search")
	}
	const month = 30 * 24 * 3600
	perTurn := quotient(index, whole1(IndexedTurns))
	monthly := func(each, perSecond *big.Rat) *big.Rat {
		return quotient(product(each, product(perSecond, whole1(month))), whole1(million))
	}
	turns, asked := b.assume("turns_per_second"), b.assume("searches_per_second")
	fmt.Fprintf(w, costSearchSums, perTurn.FloatString(2), quotient(perTurn, whole1(2)).FloatString(2), turn.FloatString(2), find.FloatString(2),
		number(turns), monthly(perTurn, turns).FloatString(0), number(asked), monthly(find, asked).FloatString(0))
	return b.err
}
