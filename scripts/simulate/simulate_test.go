package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parley/scripts/internal/fleet"
)

func TestARepeatedHourHasTheRateAndTheCurve(t *testing.T) {
	d := repeated("x", madeUp(1), 2, 1)
	byHour := [24]int{}
	for i, p := range d.prompts {
		if i > 0 && p.At < d.prompts[i-1].At {
			t.Fatal("not in order")
		}
		byHour[int(p.At/3600)]++
	}
	if n := len(d.prompts); n < 2*daySeconds*97/100 || n > 2*daySeconds*103/100 {
		t.Errorf("%d prompts, want two a second", n)
	}
	if byHour[20] < 15*byHour[8] || byHour[20] > 22*byHour[8] {
		t.Errorf("by hour: %v", byHour)
	}
}

// What the fleet does in a day is the same each time, and no prompt is lost.
func TestADayIsPlayedAlike(t *testing.T) {
	d := rush(repeated("x", madeUp(1), 3, 1))
	var seen []fleet.Result
	for range 2 {
		for _, p := range policies(d)[1:3] {
			r := fleet.Play(d.prompts, engine, p, 300)
			if n := r.Started(fleet.Free) + r.Started(fleet.Premium) + r.Late[fleet.Free] + r.Late[fleet.Premium]; n < len(d.prompts)-100 || n > len(d.prompts) {
				t.Errorf("%s: %d of %d prompts", p.Name, n, len(d.prompts))
			}
			seen = append(seen, r)
		}
	}
	for i := range 2 {
		a, b := seen[i], seen[i+2]
		if a.Hours != b.Hours || a.Late != b.Late || a.Waits(fleet.Free, 0, daySeconds) != b.Waits(fleet.Free, 0, daySeconds) {
			t.Errorf("%v hours and %v late, then %v and %v", a.Hours, a.Late, b.Hours, b.Late)
		}
	}
}

func TestRowsOf(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"azure.csv":      "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n",
		"mooncake.jsonl": `{"timestamp": 0, "input_length": 374, "output_length": 44, "hash_ids": [0]}` + "\n" + `{"timestamp": 4315, "input_length": 396, "output_length": 109, "hash_ids": [0]}` + "\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		rows, title, err := rowsOf(path, 1)
		if err != nil || len(rows) != 2 || rows[0] != (prompt{In: 374, Out: 44}) || rows[1].In != 396 || rows[1].At < 4.31 || rows[1].At > 4.32 {
			t.Errorf("%s: %+v, %v", title, rows, err)
		}
	}
	if _, _, err := rowsOf(filepath.Join(dir, "none.csv"), 1); err == nil {
		t.Error("a file that isn't there was read")
	}
}

func TestTheTablesArePrinted(t *testing.T) {
	var out strings.Builder
	if err := run([]string{"-prices", "../../docs/prices.json", "-trace", "", "-rate", "0.3", "-part", "0.00003"}, &out); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n|"); n != 3*(2+8) {
		t.Errorf("%d lines of tables:\n%s", n, out.String())
	}
}
