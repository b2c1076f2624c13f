package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// even is a day of one prompt a second that takes ten seconds: ten slots are busy.
func even() day {
	d := day{name: "even"}
	for at := range daySeconds {
		d.prompts = append(d.prompts, prompt{at: float64(at), in: 0, out: 10 * writeTokens})
	}
	return d
}

func TestARepeatedHourHasTheRateAndTheCurve(t *testing.T) {
	d := repeated("x", madeUp(1), 2, 1)
	byHour := [24]int{}
	for i, p := range d.prompts {
		if i > 0 && p.at < d.prompts[i-1].at {
			t.Fatal("not in order")
		}
		byHour[int(p.at/3600)]++
	}
	if n := len(d.prompts); n < 2*daySeconds*97/100 || n > 2*daySeconds*103/100 {
		t.Errorf("%d prompts, want two a second", n)
	}
	if byHour[20] < 15*byHour[8] || byHour[20] > 22*byHour[8] {
		t.Errorf("by hour: %v", byHour)
	}
}

// With room for twelve at once nobody waits; with half of the need a prompt that
// starts has waited for as long as its deadline allows, and half start too late.
func TestAFixedFleet(t *testing.T) {
	d := even()
	r := play(d, &policy{fixed: true, first: 1}, 0)
	if r.waits[free].p99 > 0 || r.late > 0 || r.hours < 23.99 || r.hours > 24.01 || len(r.starts[free]) < daySeconds-20 {
		t.Errorf("%d starts, %d late, waits %v, %v hours", len(r.starts[free]), r.late, r.waits[free], r.hours)
	}
	for i := range d.prompts {
		d.prompts[i].out = 2 * slots * writeTokens // 64 slots are needed
	}
	r = play(d, &policy{fixed: true, first: 1}, 0)
	if late := float64(r.late) / daySeconds; late < 0.47 || late > 0.53 || r.waits[free].p99 < 100 {
		t.Errorf("%.2f late, waits %v", late, r.waits[free])
	}
}

// A metric that is twice its target doubles the fleet after three minutes, counting
// what is on its way; one under its target lets go after fifteen, one over keeps.
func TestPoliciesTrackTheirTargets(t *testing.T) {
	a, b := 200.0, 10.0
	p := &policy{first: 4, over: make([]int, 2), under: make([]int, 2), metrics: []metric{
		{func(*fleet) float64 { return a }, 100}, {func(*fleet) float64 { return b }, 100}}}
	f := &fleet{}
	for range 4 {
		f.ready = append(f.ready, &replica{})
	}
	for minute, want := range []int{4, 4, 8, 8} {
		got := p.want(f)
		if f.resize(got, 300); got != want {
			t.Errorf("minute %d: %d, want %d", minute, got, want)
		}
	}
	a = 50
	for minute := range 20 {
		got := p.want(f)
		if want := 8; minute < 14 && got != want || minute == 14 && got != 2 {
			t.Errorf("minute %d: %d", minute, got)
		}
		if minute == 14 {
			break
		}
	}
}

// What the fleet does in a day is the same each time, and no prompt is lost.
func TestADayIsPlayedAlike(t *testing.T) {
	d := rush(repeated("x", madeUp(1), 3, 1))
	var seen []result
	for range 2 {
		for _, p := range policies(d)[1:3] {
			r := play(d, p, 300)
			if n := len(r.starts[free]) + len(r.starts[premium]) + r.late; n < len(d.prompts)-100 || n > len(d.prompts) {
				t.Errorf("%s: %d of %d prompts", p.name, n, len(d.prompts))
			}
			seen = append(seen, r)
		}
	}
	for i := range 2 {
		a, b := seen[i], seen[i+2]
		if a.hours != b.hours || a.waits != b.waits || a.late != b.late {
			t.Errorf("%+v, then %+v", a.waits, b.waits)
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
		if err != nil || len(rows) != 2 || rows[0] != (prompt{in: 374, out: 44}) || rows[1].in != 396 || rows[1].at < 4.31 || rows[1].at > 4.32 {
			t.Errorf("%s: %+v, %v", title, rows, err)
		}
	}
	if _, _, err := rowsOf(filepath.Join(dir, "none.csv"), 1); err == nil {
		t.Error("a file that isn't there was read")
	}
}

func TestTheTablesArePrinted(t *testing.T) {
	var out strings.Builder
	if err := run([]string{"-prices", "../../docs/prices.json", "-trace", "", "-rate", "1"}, &out); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n|"); n != 3*(2+8) {
		t.Errorf("%d lines of tables:\n%s", n, out.String())
	}
}
