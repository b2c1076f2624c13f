package ledger

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompare(t *testing.T) {
	kept := Ledger{Operations: map[string]Figures{"send": {ReadUnits: 3, WriteUnits: 20, Rounds: 3, SentBytes: 5000}},
		Turn: Turn{RoundsToAccepted: 3}}
	for _, c := range []struct {
		name          string
		change        func(*Ledger)
		figure        string
		worse, differ bool
	}{
		{"nothing", func(*Ledger) {}, "", false, false},
		{"half a unit more", func(l *Ledger) { l.set(func(f *Figures) { f.ReadUnits++ }) }, "read_units", true, true},
		{"half a unit less", func(l *Ledger) { l.set(func(f *Figures) { f.ReadUnits-- }) }, "read_units", false, true},
		{"some bytes more", func(l *Ledger) { l.set(func(f *Figures) { f.SentBytes += byteSlack }) }, "", false, false},
		{"many bytes more", func(l *Ledger) { l.set(func(f *Figures) { f.SentBytes += byteSlack + 1 }) }, "sent_bytes", true, true},
		{"a round more", func(l *Ledger) { l.set(func(f *Figures) { f.Rounds++ }) }, "", false, false},
		{"a round more in a turn", func(l *Ledger) { l.Turn.RoundsToAccepted++ }, "rounds_to_accepted", true, true},
		{"a new operation", func(l *Ledger) { l.Operations["new"] = Figures{KMSCalls: 1} }, "kms_calls", true, true},
	} {
		measured := Ledger{Operations: map[string]Figures{"send": kept.Operations["send"]}, Turn: kept.Turn}
		c.change(&measured)
		got := Compare(kept, measured)
		if len(got) > 0 != c.differ || c.differ && (got[0].Figure != c.figure || got[0].Worse() != c.worse) {
			t.Errorf("%s: differences %v", c.name, got)
		}
	}
}

func (l *Ledger) set(change func(*Figures)) {
	f := l.Operations["send"]
	change(&f)
	l.Operations["send"] = f
}

func TestSaveAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.json")
	want := Ledger{About: "x", Turn: Turn{Figures: Figures{ReadUnits: 37}, Steps: []Step{{Name: "a", WriteUnits: 12}}}, Operations: map[string]Figures{"b": {SQSCalls: 1}}}
	if empty, err := Load(path); err != nil || len(empty.Operations) != 0 {
		t.Errorf("a missing ledger: %+v, %v", empty, err)
	}
	if err := want.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}
