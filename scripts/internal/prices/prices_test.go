package prices

import (
	"math/big"
	"os"
	"path/filepath"
	"testing"
)

func TestCostIsExact(t *testing.T) {
	table := load(t, `{"prices":{"gbs":{"usd":"0.0000133334","per":1,"of":"GB-seconds"},"call":{"usd":"0.40","per":1000000,"of":"calls"}},
		"assumptions":{"n":{"value":"3","why":"three"}}}`)
	three, err := table.Assume("n")
	if err != nil {
		t.Fatal(err)
	}
	for price, want := range map[string]string{"gbs": "0.0000400002", "call": "0.0000012"} {
		got, err := table.Cost(price, three)
		if exact, _ := new(big.Rat).SetString(want); err != nil || got.Cmp(exact) != 0 {
			t.Errorf("three of %s cost %v, want %s (%v)", price, got, want, err)
		}
	}
	if _, err := table.Cost("other", three); err == nil {
		t.Error("a price that isn't there was found")
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, text := range []string{
		`{"prices":{"a":{"usd":0.4,"per":1,"of":"x"}}}`, // a JSON number may have been rounded
		`{"prices":{"a":{"usd":"0.4","of":"x"}}}`, `{"prices":{"a":{"per":1,"of":"x"}}}`,
		`{"prices":{"a":{"usd":"-1","per":1,"of":"x"}}}`, `{"assumptions":{"a":{"value":"1"}}}`, `{`,
	} {
		if _, err := Load(write(t, text)); err == nil {
			t.Errorf("%s was read", text)
		}
	}
}

// Assumptions of a program's own come beside those of the table, which stay as they
// were, and never instead of one.
func TestAssuming(t *testing.T) {
	table := load(t, `{"assumptions":{"n":{"value":"3","why":"three"}}}`)
	more, own, err := table.Assuming([]byte(`{"m":{"value":"0.5","why":"half"}}`))
	if err != nil || len(own) != 1 || len(table.Assumptions) != 1 || len(more.Assumptions) != 2 {
		t.Fatalf("%v, %v: %v", own, more.Assumptions, err)
	}
	for _, text := range []string{`{"n":{"value":"4","why":"four"}}`, `{"m":{"value":"4"}}`, `{"m":{"value":4,"why":"four"}}`, `[]`} {
		if _, _, err := table.Assuming([]byte(text)); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
	if half, err := more.Assume("m"); err != nil || half.Cmp(Exactly(big.NewRat(1, 2)).Rat()) != 0 {
		t.Errorf("%v, %v", half, err)
	}
}

func load(t *testing.T, text string) Table {
	t.Helper()
	table, err := Load(write(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "prices.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
