package ledger_test

import (
	"cmp"
	"flag"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

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
	if diff := gocmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/cost.md is not what ledger and prices make; run this test with -update:\n%s", diff)
	}
}

// TestFunctionsHaveTheMemoryThatIsPriced holds docs/prices.json to functions/template.yaml.
func TestFunctionsHaveTheMemoryThatIsPriced(t *testing.T) {
	root, err := runtimeapi.Root()
	if err != nil {
		t.Fatal(err)
	}
	p, err := prices.Load(filepath.Join(root, "docs", "prices.json"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "functions", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	type function struct {
		MemorySize int64 `yaml:"MemorySize"`
	}
	var template struct {
		Globals struct {
			Function function `yaml:"Function"`
		} `yaml:"Globals"`
		Resources map[string]yaml.Node `yaml:"Resources"` // some are loops
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	for name, priced := range map[string]string{
		"SendMessageFunction": "function_mb", "HistoryFunction": "function_mb", "UploadFunction": "function_mb", "FilesFunction": "function_mb", "PurgeFunction": "function_mb",
		"SignUpFunction": "hash_mb", "LoginFunction": "hash_mb", "SearchFunction": "search_mb", "IndexHistoryFunction": "index_mb", "ProcessUploadFunction": "process_mb",
	} {
		var r struct {
			Properties function `yaml:"Properties"`
		}
		if node, ok := template.Resources[name]; !ok || node.Decode(&r) != nil {
			t.Errorf("there is no %s", name)
		}
		has := cmp.Or(r.Properties.MemorySize, template.Globals.Function.MemorySize)
		if want, err := p.Assume(priced); err != nil || want.Cmp(big.NewRat(has, 1)) != 0 {
			t.Errorf("%s has %d MB, and is priced for %v, %v", name, has, want, err)
		}
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
