package ledger

import (
	"math/big"
	"path/filepath"
	"testing"

	"parley/scripts/internal/prices"
	"parley/scripts/internal/runtimeapi"
)

// What isn't in the ledger has no price; what is has rows of prices that exist, and the
// sums of docs/cost.md.
func TestPricedIsWhatTheCostPageHas(t *testing.T) {
	root, err := runtimeapi.Root()
	if err != nil {
		t.Fatal(err)
	}
	l, err := Load(filepath.Join(root, "docs", "ledger.json"))
	if err != nil {
		t.Fatal(err)
	}
	table, err := prices.Load(filepath.Join(root, "docs", "prices.json"))
	if err != nil {
		t.Fatal(err)
	}
	b := &biller{table: table}
	for _, f := range l.Files {
		if _, p, err := l.PriceFile(f.What, table); err != nil || Total(p.Rows).Cmp(b.fileCost(f)) != 0 || p.Seconds.Cmp(b.fileTime(f)) != 0 {
			t.Errorf("%s: %v", f.What, err)
		}
	}
	for _, f := range l.Search {
		if _, p, err := l.PriceSearch(f.What, table); err != nil || Total(p.Rows).Cmp(b.searchCost(f)) != 0 {
			t.Errorf("%s: %v", f.What, err)
		}
	}
	one := big.NewRat(1, 1)
	full := table.Assumptions["core_mb"].Value.Rat()
	_, slow, err := l.PriceOperation("log in", new(big.Rat).Quo(full, big.NewRat(2, 1)), one, table)
	if err != nil {
		t.Fatal(err)
	}
	_, fast, err := l.PriceOperation("log in", full, one, table)
	if err != nil {
		t.Fatal(err)
	}
	if more := new(big.Rat).Sub(slow.Seconds, fast.Seconds); more.Cmp(big.NewRat(1, 1000)) != 0 {
		t.Errorf("half a core takes %v s more for a millisecond of work", more)
	}
	_, _, err1 := l.PriceFile("a file of nobody", table)
	_, _, err2 := l.PriceSearch("nothing", table)
	_, _, err3 := l.PriceOperation("nothing", one, one, table)
	if err1 == nil || err2 == nil || err3 == nil {
		t.Errorf("%v, %v, %v", err1, err2, err3)
	}
}
