package ledger_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/scripts/internal/ledger"
	"parley/scripts/internal/prices"
	"parley/scripts/internal/runtimeapi"
)

var update = flag.Bool("update", false, "write docs/ledger.json (TestLedger) and docs/cost.md (TestCostPage) anew")

// TestCostPage holds docs/cost.md to docs/ledger.json and docs/prices.json.
func TestCostPage(t *testing.T) {
	root, err := runtimeapi.Root()
	if err != nil {
		t.Fatal(err)
	}
	docs := filepath.Join(root, "docs")
	l, err := ledger.Load(filepath.Join(docs, "ledger.json"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := prices.Load(filepath.Join(docs, "prices.json"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := ledger.CostPage(l, p)
	if err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(docs, "cost.md")
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/cost.md is not what ledger and prices make; run this test with -update:\n%s", diff)
	}
}

// TestBillAddsUp makes sure that no part of a turn is left out or counted twice.
func TestBillAddsUp(t *testing.T) {
	root, err := runtimeapi.Root()
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Load(filepath.Join(root, "docs", "ledger.json"))
	if err != nil {
		t.Fatal(err)
	}
	var writes, reads ledger.Units
	for _, s := range l.Turn.Steps {
		writes += s.WriteUnits
		reads += s.ReadUnits
	}
	if writes != l.Turn.WriteUnits || reads != l.Turn.ReadUnits {
		t.Errorf("steps have %v write and %v read units, the turn %v and %v", writes, reads, l.Turn.WriteUnits, l.Turn.ReadUnits)
	}
}
