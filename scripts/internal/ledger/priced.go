package ledger

import (
	"fmt"
	"math/big"
	"slices"

	"parley/scripts/internal/prices"
)

// Priced is what is done once: what of each price it takes, and for how long a
// function is at it.
type Priced struct {
	Rows    []Row
	Seconds *big.Rat // of the function
}

// PriceTurn prices a turn by the rows of docs/cost.md; the seconds are send-message's.
func PriceTurn(turn Turn, table prices.Table) (Bill, *big.Rat, error) {
	b := &biller{table: table, turn: turn}
	bill, seconds := Bill{Core: b.core(), Beside: b.beside()}, b.send()
	return bill, seconds, b.err
}

// PriceFile prices what is done with a file.
func (l Ledger) PriceFile(what string, table prices.Table) (FileRow, Priced, error) {
	b := &biller{table: table}
	r, err := find(l.Files, what)
	p := Priced{b.fileRows(r), b.fileTime(r)}
	b.fail(err)
	return r, p, b.err
}

// PriceSearch prices a search or an indexing.
func (l Ledger) PriceSearch(what string, table prices.Table) (FileRow, Priced, error) {
	b := &biller{table: table}
	r, err := find(l.Search, what)
	p := Priced{b.searchRows(r), b.searchTime(r)}
	b.fail(err)
	return r, p, b.err
}

func find(rows []FileRow, what string) (FileRow, error) {
	if at := slices.IndexFunc(rows, func(r FileRow) bool { return r.What == what }); at >= 0 {
		return rows[at], nil
	}
	return FileRow{}, fmt.Errorf("the ledger has no row %q", what)
}

func (l Ledger) operation(name string) (Figures, error) {
	f, ok := l.Operations[name]
	if !ok {
		return f, fmt.Errorf("the ledger has no operation %q", name)
	}
	return f, nil
}

// PriceOperation prices a request to the API that isn't a send. A function of that
// memory, in MB, answers it, which has that much to do on a whole core, in ms.
func (l Ledger) PriceOperation(name string, memory, own *big.Rat, table prices.Table) (Figures, Priced, error) {
	b := &biller{table: table}
	f, err := l.operation(name)
	b.fail(err)
	seconds := b.seconds(work{b.waits(f.Rounds, 0, 0), own}, memory)
	rows := append(b.rows(FileRow{Figures: f, Requests: 1}, seconds, memory), b.row("", "ses_mail", whole1(f.SESCalls)))
	return f, Priced{rows, seconds}, b.err
}
